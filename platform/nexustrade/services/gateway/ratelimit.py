"""A token bucket per caller, kept in Redis so that every gateway draws from the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis.exceptions

from shared.errors import RateLimited
from shared.observability.logging import get_logger
from shared.observability.metrics import counter

if TYPE_CHECKING:
    from redis.asyncio import Redis

# Redis's own clock: two gateways never disagree about how much a bucket has been filled.
# Answers the seconds to wait as text, because Redis would cut a Lua number to an integer.
_TAKE = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or burst
local passed = math.max(0, now - (tonumber(bucket[2]) or now))
tokens = math.min(burst, tokens + passed * rate)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = (1 - tokens) / rate end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(1000 * math.max(burst - tokens, 1) / rate) + 1000)
return tostring(wait)
"""

_log = get_logger(__name__)
_unchecked = counter("gateway_rate_limit_unchecked", "Requests let through because Redis did not answer")


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a bucket fills, in requests per second, and how many it holds."""

    per_second: float
    burst: int


class RateLimiter:
    """Takes one token per request from the caller's bucket."""

    def __init__(self, client: Redis, *, users: Rate, anonymous: Rate) -> None:
        self._take = client.register_script(_TAKE)
        self._users = users
        self._anonymous = anonymous

    async def check_user(self, subject: str) -> None:
        """RateLimited (with `retry_after`, whole seconds) when this user's bucket is empty."""
        await self._check(f"gateway:rate:user:{subject}", self._users)

    async def check_address(self, address: str) -> None:
        """The same for a caller who has not proved who he is, by the address of his connection."""
        await self._check(f"gateway:rate:address:{address}", self._anonymous)

    async def _check(self, bucket: str, rate: Rate) -> None:
        try:
            wait = float(await self._take(keys=[bucket], args=[rate.per_second, rate.burst]))
        except redis.exceptions.RedisError as error:
            # The limit protects the services from one caller; without Redis trading goes on without it.
            _unchecked.inc()
            _log.warning("rate limit not checked", error=str(error))
            return
        if wait > 0:
            raise RateLimited("too many requests, slow down", retry_after=int(wait) + 1)
