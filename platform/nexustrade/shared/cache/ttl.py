"""A small cache whose entries expire, and whose misses are loaded once.

When many threads miss the same key, one calls the loader and the others wait for its result. An invalidation
during a load wins: the callers get the loaded value, but it is not kept, since it may predate the change.
Each entry lives a little shorter than the TTL, by chance, so that entries made together expire apart.
"""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from shared import clock
from shared.cache.lifetimes import Lifetimes

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


@dataclass(slots=True)
class _Entry(Generic[V]):
    value: V
    expires_at: float


class TTLCache(Generic[K, V]):
    """At most `capacity` entries for `ttl` seconds; the least recently used one makes room.

    `jitter` is the largest share of the TTL by which an entry's life is shortened. Thread-safe.
    """

    def __init__(
        self,
        ttl: float,
        *,
        capacity: int = 1024,
        jitter: float = 0.1,
        monotonic: Callable[[], float] = clock.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if capacity < 1:
            raise ValueError("a cache needs room for an entry")
        self._lifetimes = Lifetimes(ttl, jitter, chance)
        self._capacity = capacity
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._loads: dict[K, Future[V]] = {}

    def get(self, key: K, load: Callable[[], V]) -> V:
        """The cached value, or what `load` gives; an exception of `load` reaches all who wait for it."""
        with self._lock:
            entry = self._fresh(key)
            if entry is not None:
                return entry.value
            running = self._loads.get(key)
            if running is None:
                mine = self._loads[key] = Future()
        if running is not None:
            return running.result()
        return self._load(key, load, mine)

    def peek(self, key: K) -> V | None:
        """The cached value, if there is a fresh one; loads nothing."""
        with self._lock:
            entry = self._fresh(key)
            return entry.value if entry else None

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._loads.pop(key, None)
            self._store(key, value)

    def invalidate(self, key: K) -> None:
        """Forgets the value; a load that is under way is not kept either."""
        with self._lock:
            self._entries.pop(key, None)
            self._loads.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._loads.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def _load(self, key: K, load: Callable[[], V], mine: Future[V]) -> V:
        try:
            value = load()
        except BaseException as error:
            self._finish(key, mine)
            mine.set_exception(error)
            raise
        with self._lock:
            if self._finish_locked(key, mine):
                self._store(key, value)
        mine.set_result(value)
        return value

    def _finish(self, key: K, mine: Future[V]) -> None:
        with self._lock:
            self._finish_locked(key, mine)

    def _finish_locked(self, key: K, mine: Future[V]) -> bool:
        """Ends a load; whether it still counts, that is, was not invalidated meanwhile."""
        if self._loads.get(key) is not mine:
            return False
        del self._loads[key]
        return True

    def _fresh(self, key: K) -> _Entry[V] | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._monotonic() >= entry.expires_at:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry

    def _store(self, key: K, value: V) -> None:
        self._entries[key] = _Entry(value, self._monotonic() + self._lifetimes.draw())
        self._entries.move_to_end(key)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
