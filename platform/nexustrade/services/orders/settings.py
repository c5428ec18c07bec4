from shared.django.settings import base_settings

globals().update(base_settings("orders", databases=("orders",), apps=("services.orders",)))
