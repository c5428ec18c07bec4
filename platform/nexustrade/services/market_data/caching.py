"""The caches of what the exchange feed says, made as the configuration wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import BlockingConnectionPool, Redis

from services.market_data.feed import KINDS
from services.market_data.known_symbols import KnownSymbols
from shared.cache import HotKeys, Lifetimes, NearCache, ReadThrough, Tiers
from shared.cache.redis_store import RedisStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.market_data.load import KeyLoad
    from shared.config import Config

SETTING: Final = {"quotes": "quote_seconds", "books": "book_seconds", "candles": "candle_seconds"}

Answers = dict[str, Any]

# A crowd of readers shares these, instead of opening a connection for each.
CONNECTIONS: Final = 64


def cache_client(url: str, timeout: float) -> Redis:
    """A client for the shared tier that waits `timeout` seconds for each answer."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=None,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
    )
    return Redis.from_pool(pool)


def feed_caches(
    config: Config, redis: Redis, load: KeyLoad, *, listeners: Callable[[str], int]
) -> dict[str, ReadThrough[Answers]]:
    """One cache for each kind, over the same two tiers.

    In the near tier symbols that stream to somebody, by `listeners`, outrank those that do not.
    """
    tiers: Tiers[Answers] = Tiers(
        near_cache(config),
        RedisStore(redis),
        HotKeys(
            config.get("market_data.near.hot_reads", int),
            config.get("market_data.near.hot_window_seconds", float),
        ),
        priority=lambda key: 1 if listeners(key.partition(":")[2]) else 0,
        observe=load.observe,
    )
    return {kind: _read_through(config, tiers, kind) for kind in KINDS}


def near_cache(config: Config) -> NearCache[str, Answers]:
    pinned = config.get("market_data.near.pinned", list)
    return NearCache(
        config.get("market_data.near.seconds", float),
        config.get("market_data.near.capacity", int),
        frozenset(f"{kind}:{symbol}" for kind in KINDS for symbol in pinned),
    )


def known_symbols(config: Config) -> KnownSymbols:
    return KnownSymbols(
        expected=config.get("market_data.symbols.expected", int),
        rate=config.get("market_data.symbols.false_positives", float),
        doubts=config.get("market_data.symbols.doubts_per_second", float),
    )


def _read_through(config: Config, tiers: Tiers[Answers], kind: str) -> ReadThrough[Answers]:
    seconds = config.get(f"market_data.feed.{SETTING[kind]}", float)
    return ReadThrough(
        tiers,
        Lifetimes(seconds, config.get("market_data.feed.jitter", float)),
        stale_seconds=config.get("market_data.feed.stale_seconds", float),
        retry_seconds=config.get("market_data.feed.retry_seconds", float),
    )
