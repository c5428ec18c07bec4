from shared.django.settings import base_settings

globals().update(base_settings("audit", databases=("audit",)))
