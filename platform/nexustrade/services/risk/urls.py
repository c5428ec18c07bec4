from services.risk.api import router
from services.risk.desk_api import router as desk
from shared.django.api import make_api
from shared.django.urls import service_urls

api = make_api("risk")
api.add_router("", router)
api.add_router("", desk)

urlpatterns = service_urls(api)
