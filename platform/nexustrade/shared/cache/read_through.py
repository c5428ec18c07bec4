"""A cache in front of a source that is slow, limited and now and then away."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from shared import clock
from shared.cache.entry import Entry
from shared.cache.errors import LoadFailed
from shared.cache.flights import Flights
from shared.errors import DependencyUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.cache.lifetimes import Lifetimes
    from shared.cache.tiers import Tiers

V = TypeVar("V")

# Failures that are remembered; who is beyond is asked for again too early, and nothing worse.
FAILURES_KEPT: Final = 4096

# A load may count for this share of a life at most: a slow source is not to be asked all the time for it.
COST_SHARE: Final = 0.05


class ReadThrough(Generic[V]):
    """Gives entries and has them loaded, however many ask, once.

    A little before an entry expires, by chance, one reader has it loaded while all go on with what there is;
    for `stale_seconds` after it they still do, since the source may be late. Only when there is nothing to
    show do readers wait, all for one load. A source that failed is left alone for `retry_seconds`.
    `now` gives Unix seconds, `chance` numbers of 0 ≤ x < 1.
    """

    def __init__(
        self,
        tiers: Tiers[V],
        lifetimes: Lifetimes,
        *,
        stale_seconds: float,
        retry_seconds: float,
        now: Callable[[], float] = clock.wall_time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._tiers = tiers
        self._lifetimes = lifetimes
        self._stale_seconds = stale_seconds
        self._retry_seconds = retry_seconds
        self._now = now
        self._chance = chance
        self._flights: Flights[str, Entry[V]] = Flights()
        self._retry_at: OrderedDict[str, float] = OrderedDict()

    async def get(self, key: str, load: Callable[[], Awaitable[V]]) -> Entry[V]:
        """The entry of `key`, by `load` where need be.

        LoadFailed while the source is left alone and there is nothing to show; what `load` raises reaches
        those who wait for it.
        """
        found = await self._tiers.read(key)
        if found is not None and not found.is_due(self._now(), self._chance()):
            return found
        return await self._renew(key, load, found)

    async def invalidate(self, key: str) -> None:
        """Forgets what is kept: who asks from now on gets what the source says from now on."""
        await self._tiers.invalidate(key)
        self._flights.forget(key)
        self._retry_at.pop(key, None)

    async def _renew(self, key: str, load: Callable[[], Awaitable[V]], found: Entry[V] | None) -> Entry[V]:
        usable = found if found is not None and found.is_usable(self._now()) else None
        if self._is_resting(key):
            if usable is None:
                raise LoadFailed("the source failed a moment ago", key=key)
            return usable
        flight = self._flights.join(key, partial(self._load, key, load))
        if usable is not None:
            return usable
        return await asyncio.shield(flight)

    def _is_resting(self, key: str) -> bool:
        return self._now() < self._retry_at.get(key, 0.0)

    async def _load(self, key: str, load: Callable[[], Awaitable[V]]) -> Entry[V]:
        version = await self._tiers.version(key)
        began = self._now()
        try:
            value = await load()
        except DependencyUnavailable:
            self._failed(key)
            raise
        entry = self._entry(value, cost=max(0.0, self._now() - began))
        self._retry_at.pop(key, None)
        await self._tiers.write(key, entry, version)
        return entry

    def _entry(self, value: V, *, cost: float) -> Entry[V]:
        life = self._lifetimes.draw()
        fresh_until = self._now() + life
        return Entry(value, fresh_until, fresh_until + self._stale_seconds, min(cost, life * COST_SHARE))

    def _failed(self, key: str) -> None:
        self._retry_at[key] = self._now() + self._retry_seconds
        while len(self._retry_at) > FAILURES_KEPT:
            self._retry_at.popitem(last=False)
