from shared.django.settings import base_settings

globals().update(base_settings("risk", databases=("orders",), apps=("services.risk",)))
