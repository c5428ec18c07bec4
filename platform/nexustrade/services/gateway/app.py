"""The application: FastAPI around one proxy and one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.api import METHODS, add_proxy
from services.gateway.stream import MarketStream, add_stream
from shared.http.fastapi import make_app
from shared.http.openapi import add_problem_schema, problem_answers

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.gateway.services import Gateway
    from shared.config import Settings
    from shared.http.fastapi import Lifespan
    from shared.observability.health import HealthRegistry

# The gateway's own: no token, no such path, too much, too often; a service that does not answer, or too late.
REFUSALS = (401, 404, 413, 429, 503, 504)


def build_app(
    *, settings: Settings, health: HealthRegistry, gateway: Gateway, stream: MarketStream, lifespan: Lifespan
) -> FastAPI:
    """The gateway's application; users come with access tokens, so service tokens are off."""
    app = make_app("gateway", settings, health, lifespan=lifespan, authenticate=False)
    add_proxy(app, gateway)
    add_stream(app, gateway, stream)
    app.openapi = lambda: _openapi(gateway)  # type: ignore[method-assign]
    return app


def _openapi(gateway: Gateway) -> dict[str, Any]:
    """What the gateway itself promises; the services describe their own paths."""
    paths = {f"/api/v1/{part}": _operations(part, gateway) for part in gateway.routes.parts}
    document = {"openapi": "3.1.0", "info": {"title": "gateway", "version": "1"}, "paths": paths}
    add_problem_schema(document)
    return document


def _operations(part: str, gateway: Gateway) -> dict[str, Any]:
    target = gateway.routes.target_of(part)
    passed_on = {"default": {"description": f"The answer of {target}; errors are application/problem+json."}}
    return {
        method.lower(): {
            "operationId": f"{method.lower()}_{part}",
            "summary": f"Passed on to {target}",
            "tags": [target],
            "responses": passed_on | problem_answers(*REFUSALS),
        }
        for method in METHODS
    }
