from services.auth.api import router
from shared.django import make_api, service_urls

api = make_api("auth")
api.add_router("/v1/auth", router)

urlpatterns = service_urls(api)
