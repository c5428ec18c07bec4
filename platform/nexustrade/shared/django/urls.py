"""The URLs of a Django service: its API, health and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from shared.django.health import health
from shared.observability import metrics

if TYPE_CHECKING:
    from django.urls import URLPattern, URLResolver
    from ninja import NinjaAPI


def service_urls(api: NinjaAPI) -> list[URLPattern | URLResolver]:
    """The `urlpatterns` of a service whose API is `api`."""
    return [
        path("health/live", _live),
        path("health/ready", _ready),
        path("metrics", _metrics),
        path("", api.urls),
    ]


def _live(_request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


def _ready(_request: HttpRequest) -> HttpResponse:
    ready, checks = health.ready()
    body = {"status": "ok" if ready else "degraded", "service": settings.SERVICE, "checks": checks}
    return JsonResponse(body, status=200 if ready else 503)


def _metrics(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(metrics.render(), content_type=metrics.CONTENT_TYPE)
