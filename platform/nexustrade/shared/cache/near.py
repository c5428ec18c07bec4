"""Copies of entries inside this process, for keys that would load the shared store too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from shared import clock
from shared.cache.priority import PriorityEntries

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from shared.cache.entry import Entry

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class NearCache(Generic[K, V]):
    """Keeps an entry for `seconds`: that is how long another process's change may stay unseen here."""

    def __init__(
        self,
        seconds: float,
        capacity: int,
        pinned: frozenset[K] = frozenset(),
        *,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._seconds = seconds
        self._now = now
        self._copies: PriorityEntries[K, tuple[float, Entry[V]]] = PriorityEntries(capacity, pinned)

    def get(self, key: K) -> Entry[V] | None:
        """The copy; None when there is none, or when it has been here too long."""
        kept = self._copies.get(key)
        if kept is None:
            return None
        until, entry = kept
        if self._now() >= until:
            self._copies.remove(key)
            return None
        return entry

    def put(self, key: K, entry: Entry[V], priority: int = 0) -> None:
        self._copies.put(key, (self._now() + self._seconds, entry), priority)

    def remove(self, key: K) -> None:
        self._copies.remove(key)

    def is_pinned(self, key: K) -> bool:
        """Whether a copy is always kept, however seldom the key is read."""
        return self._copies.is_pinned(key)

    def __len__(self) -> int:
        return len(self._copies)
