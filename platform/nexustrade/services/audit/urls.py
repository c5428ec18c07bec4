from services.audit.api import router
from shared.django.api import make_api
from shared.django.urls import service_urls

api = make_api("audit")
api.add_router("/v1", router)

urlpatterns = service_urls(api)
