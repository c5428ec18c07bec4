from services.orders.api import router as orders
from services.orders.instruments_api import router as instruments
from shared.django.api import make_api
from shared.django.urls import service_urls

api = make_api("orders")
api.add_router("", orders)
api.add_router("", instruments)

urlpatterns = service_urls(api)
