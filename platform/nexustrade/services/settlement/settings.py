from shared.django.settings import base_settings

globals().update(base_settings("settlement", databases=("orders", "users")))
