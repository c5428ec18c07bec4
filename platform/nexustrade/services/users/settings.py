from shared.django import base_settings

globals().update(base_settings("users", databases=("users",)))
