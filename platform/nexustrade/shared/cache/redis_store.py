"""The shared tier in Redis: one hash per key, so that each read, write and invalidation is one round trip.

  cache:{quotes:ACME}   hash   version, entry (JSON)

A version is a token that only an invalidation changes; it outlives any load that may have begun before.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from redis.exceptions import RedisError

from shared import clock
from shared.cache.entry import Entry
from shared.ids import new_id
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

log = get_logger(__name__)

V = TypeVar("V")

# Seconds that a version is kept: no load takes that long.
VERSION_SECONDS: Final = 60

_WRITE = """
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'entry', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""

_INVALIDATE = """
redis.call('HSET', KEYS[1], 'version', ARGV[1])
redis.call('HDEL', KEYS[1], 'entry')
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


class RedisStore(Generic[V]):
    """A `SharedStore` of values that JSON can hold. While Redis does not answer, it keeps nothing."""

    def __init__(self, redis: Redis, now: Callable[[], float] = clock.wall_time) -> None:
        self._redis = redis
        self._now = now
        self._write = redis.register_script(_WRITE)
        self._invalidate = redis.register_script(_INVALIDATE)

    async def read(self, key: str) -> Entry[V] | None:
        try:
            stored: Any = await self._redis.hget(_name(key), "entry")  # type: ignore[misc]
        except RedisError as error:
            log.warning("shared cache not read", error=str(error))
            return None
        return Entry(*json.loads(stored)) if stored else None

    async def version(self, key: str) -> str:
        try:
            stored: Any = await self._redis.hget(_name(key), "version")  # type: ignore[misc]
        except RedisError:
            return ""
        return stored.decode() if stored else ""

    async def write(self, key: str, entry: Entry[V], version: str) -> bool:
        text = json.dumps([entry.value, entry.fresh_until, entry.stale_until, entry.cost])
        # A version that the hash holds lives on with the entry, and at least as long as it would alone.
        life = max(entry.stale_until - self._now(), VERSION_SECONDS)
        try:
            return bool(await self._write(keys=[_name(key)], args=[version, text, round(life * 1000)]))
        except RedisError as error:
            log.warning("shared cache not written", error=str(error))
            return True  # nobody could invalidate it either; whoever keeps it himself may

    async def invalidate(self, key: str) -> None:
        """RedisError when it cannot be done: the old entry would be shown as if nothing had been said."""
        await self._invalidate(keys=[_name(key)], args=[new_id(), VERSION_SECONDS])


def _name(key: str) -> str:
    return f"cache:{{{key}}}"
