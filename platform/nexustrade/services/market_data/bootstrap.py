"""Wires the market data service together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from redis import Redis

from services.market_data.api import make_router
from services.market_data.caching import cache_client, feed_caches, known_symbols
from services.market_data.consumers import executions_consumer
from services.market_data.feed import FeedService
from services.market_data.feed_api import make_feed_router
from services.market_data.hub import Hub
from services.market_data.instruments import Listing
from services.market_data.load import KeyLoad
from services.market_data.services import MarketDataService
from services.market_data.source import ExchangeFeed
from services.market_data.store import MarketStore
from services.market_data.stream import make_stream_router
from shared import clock
from shared.clients import ConsulDiscovery, ServiceClient
from shared.config import Settings, load_config
from shared.distributed.registration import ConsulRegistration
from shared.http.fastapi import make_app
from shared.http.lifecycle import Loop
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
    settings = Settings.from_env(exchange=True)
    configure_logging(settings.service)
    configure_tracing(settings)
    config = load_config(settings.env)

    redis = Redis.from_url(
        settings.redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
    )
    shared_cache = cache_client(settings.redis_url, config.get("market_data.shared.timeout_seconds", float))
    orders = ServiceClient("orders", settings, ConsulDiscovery.of(settings))
    listing = Listing(
        orders,
        known_symbols(config),
        seconds=config.get("market_data.symbols.listed_seconds", float),
    )
    hub = Hub()
    publisher = LoopPublisher(hub)
    service = MarketDataService(
        MarketStore(redis),
        is_listed=listing.is_listed,
        publish=publisher.publish,
        cache_seconds=config.get("market_data.cache_seconds", float),
    )
    source = ExchangeFeed(
        settings.exchange_feed_url, timeout=config.get("market_data.feed.timeout_seconds", float)
    )
    load = KeyLoad()
    feed = FeedService(
        source,
        feed_caches(config, shared_cache, load, listeners=hub.listeners),
        listing=listing,
        publish=hub.publish,
        now=clock.wall_time,
    )
    consumer = executions_consumer(settings, service)
    symbols = Loop(
        "symbols", listing.reload, interval=config.get("market_data.symbols.reload_seconds", float)
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        publisher.attach(asyncio.get_running_loop())
        yield
        publisher.attach(None)
        await source.close()
        await shared_cache.aclose()

    health = HealthRegistry()
    health.add("redis", redis.ping)
    health.add("kafka", consumer.check)
    app = make_app(settings.service, settings, health, lifespan=lifespan)
    app.include_router(make_router(service))
    app.include_router(make_feed_router(feed, load))
    app.include_router(make_stream_router(service, hub, settings))
    serve(app, settings, parts=[ConsulRegistration(settings, health.ready), consumer, symbols])
    orders.close()
    redis.close()
