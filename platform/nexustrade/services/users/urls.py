from services.users.api import router
from shared.django import make_api, service_urls

api = make_api("users")
api.add_router("/v1", router)

urlpatterns = service_urls(api)
