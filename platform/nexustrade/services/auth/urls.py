from services.auth import api_keys_api
from services.auth.api import router
from shared.django import make_api, service_urls

api = make_api("auth")
api.add_router("/v1/auth", router)
api.add_router("", api_keys_api.router)

urlpatterns = service_urls(api)
