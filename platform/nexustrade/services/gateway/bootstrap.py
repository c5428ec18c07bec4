"""Puts the gateway together from the environment and the configuration, and runs it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis import asyncio as redis

from services.gateway.api_keys import ApiKeys
from services.gateway.app import build_app
from services.gateway.authentication import Authenticator, KeySet
from services.gateway.clients import make_clients
from services.gateway.ratelimit import Rate, RateLimiter
from services.gateway.routing import load_routes
from services.gateway.services import Gateway, Policy
from services.gateway.stream import MarketStream
from shared.clients import ConsulDiscovery, raise_for_problem
from shared.config import Config, Settings, load_config
from shared.distributed.registration import ConsulRegistration
from shared.http.serve import serve
from shared.observability.health import HealthRegistry
from shared.observability.logging import configure_logging
from shared.observability.tracing import configure_tracing
from shared.security.service_tokens import TokenIssuer
from shared.security.tls import client_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from fastapi import FastAPI

    from shared.clients import AsyncServiceClient

REDIS_TIMEOUT = 0.5  # seconds; the rate limit must not hold up an order for longer


def main() -> None:
    """Runs until it is told to stop."""
    settings = Settings.from_env()
    configure_logging(settings.service)
    configure_tracing(settings)
    health = HealthRegistry()
    health.add("redis", _redis_check(settings))
    app = make_gateway(settings, load_config(settings.env), health)
    serve(app, settings, parts=[ConsulRegistration(settings, health.ready)], public=True)


def make_gateway(settings: Settings, config: Config, health: HealthRegistry) -> FastAPI:
    """The application with all that it needs; connections are opened by the first requests."""
    routes = load_routes()
    discovery = ConsulDiscovery.of(settings)
    deadline = config.get("gateway.deadline_seconds", float)
    clients = make_clients(routes.targets, settings, discovery, config)
    store = redis.Redis.from_url(
        settings.redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
    )
    gateway = Gateway(
        routes=routes,
        authenticator=_authenticator(clients["auth"], config),
        api_keys=_api_keys(clients["auth"]),
        limiter=_limiter(store, config),
        clients=clients,
        policy=Policy(deadline_seconds=deadline, max_body_bytes=config.get("gateway.max_body_bytes", int)),
    )
    stream = MarketStream(
        discovery=discovery,
        tokens=TokenIssuer(settings.service, settings.service_token_secret),
        tls=client_context(settings.tls),
        open_timeout=deadline,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.gather(*(client.close() for client in clients.values()), store.aclose())

    return build_app(settings=settings, health=health, gateway=gateway, stream=stream, lifespan=lifespan)


def _redis_check(settings: Settings) -> Callable[[], object]:
    client = Redis.from_url(
        settings.redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
    )
    return client.ping


def _authenticator(auth: AsyncServiceClient, config: Config) -> Authenticator:
    async def fetch_keys() -> Mapping[str, Any]:
        answer = await auth.request("GET", "/v1/auth/jwks")
        return raise_for_problem(answer, auth.target).json()

    return Authenticator(
        KeySet(
            fetch_keys,
            max_age=config.get("gateway.jwks_seconds", float),
            min_interval=config.get("gateway.jwks_interval_seconds", float),
        )
    )


def _api_keys(auth: AsyncServiceClient) -> ApiKeys:
    async def holder(digest: str) -> Mapping[str, Any]:
        answer = await auth.request(
            "POST", "/internal/v1/api-keys/identify", json={"digest": digest}, idempotent=True
        )
        return raise_for_problem(answer, auth.target).json()

    return ApiKeys(holder)


def _limiter(store: redis.Redis, config: Config) -> RateLimiter:
    window = config.get("gateway.rate_limit.window_seconds", float)

    def rate(name: str) -> Rate:
        requests = config.get(f"gateway.rate_limit.{name}", int)
        return Rate(per_second=requests / window, burst=requests)

    return RateLimiter(store, users=rate("requests"), anonymous=rate("anonymous_requests"))
