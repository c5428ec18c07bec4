from shared.django import base_settings

globals().update(base_settings("auth", databases=("users",)))
