from services.settlement.api import router
from services.settlement.api_imports import router as imports
from services.settlement.api_reports import router as reports
from shared.django.api import make_api
from shared.django.urls import service_urls

api = make_api("settlement")
# Before the trades, whose ids would otherwise match the names of the reports.
api.add_router("/v1", imports)
api.add_router("/v1", reports)
api.add_router("/v1", router)

urlpatterns = service_urls(api)
