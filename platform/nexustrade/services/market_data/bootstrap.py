"""Wires the market data service together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from redis import Redis

from services.market_data.api import make_router
from services.market_data.consumers import executions_consumer
from services.market_data.hub import Hub
from services.market_data.instruments import Listing
from services.market_data.services import MarketDataService
from services.market_data.store import MarketStore
from services.market_data.stream import make_stream_router
from shared.clients import ConsulDiscovery, ServiceClient
from shared.config import Settings, load_config
from shared.distributed.registration import ConsulRegistration
from shared.http.fastapi import make_app
from shared.http.serve import serve
from shared.observability import HealthRegistry, configure_logging, configure_tracing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

REDIS_TIMEOUT = 2.0  # seconds


class LoopPublisher:
    """Hands updates from the consumer's thread over to the hub in the event loop's thread."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop

    def publish(self, symbol: str, message: str) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._hub.publish, symbol, message)


def main() -> None:
    settings = Settings.from_env()
    configure_logging(settings.service)
    configure_tracing(settings)

    redis = Redis.from_url(
        settings.redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
    )
    orders = ServiceClient("orders", settings, ConsulDiscovery.of(settings))
    hub = Hub()
    publisher = LoopPublisher(hub)
    service = MarketDataService(
        MarketStore(redis),
        is_listed=Listing(orders).is_listed,
        publish=publisher.publish,
        cache_seconds=load_config(settings.env).get("market_data.cache_seconds", float),
    )
    consumer = executions_consumer(settings, service)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        publisher.attach(asyncio.get_running_loop())
        yield
        publisher.attach(None)

    health = HealthRegistry()
    health.add("redis", redis.ping)
    health.add("kafka", consumer.check)
    app = make_app(settings.service, settings, health, lifespan=lifespan)
    app.include_router(make_router(service))
    app.include_router(make_stream_router(service, hub, settings))
    serve(app, settings, parts=[ConsulRegistration(settings, health.ready), consumer])
    orders.close()
    redis.close()
