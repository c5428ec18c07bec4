"""Which keys are read so often that each process should keep a copy of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from shared import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

K = TypeVar("K", bound="Hashable")


class HotKeys(Generic[K]):
    """Counts reads per key in windows of `window` seconds; a key is hot from `threshold` reads in one.

    It stays hot through the window after that. Memory is bounded by `capacity`: a key that is new when the
    counters are all taken gets the one of the rarest key and its count, so that a count may be too high and
    is never too low (Space-Saving; Metwally, Agrawal and El Abbadi, ICDT 2005).
    """

    def __init__(
        self,
        threshold: int,
        window: float,
        *,
        capacity: int = 256,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        if threshold < 1 or window <= 0 or capacity < 1:
            raise ValueError("hot keys need a threshold, a window and a counter at least")
        self._threshold = threshold
        self._window = window
        self._capacity = capacity
        self._now = now
        self._ends = now() + window
        self._current: dict[K, int] = {}
        self._previous: dict[K, int] = {}

    def record(self, key: K) -> bool:
        """Counts one read; whether the key is hot."""
        self._turn()
        if key not in self._current and len(self._current) >= self._capacity:
            rarest = min(self._current, key=self._current.__getitem__)
            self._current[key] = self._current.pop(rarest)
        self._current[key] = self._current.get(key, 0) + 1
        return self.is_hot(key)

    def is_hot(self, key: K) -> bool:
        return max(self._current.get(key, 0), self._previous.get(key, 0)) >= self._threshold

    def busiest(self, count: int) -> list[tuple[K, int]]:
        """The keys with the most reads in this window or the last, and these reads, most first."""
        self._turn()
        keys = self._current.keys() | self._previous.keys()
        reads = [(key, max(self._current.get(key, 0), self._previous.get(key, 0))) for key in keys]
        return sorted(reads, key=lambda pair: (-pair[1], str(pair[0])))[:count]

    def _turn(self) -> None:
        now = self._now()
        if now < self._ends:
            return
        self._previous = self._current if now < self._ends + self._window else {}
        self._current = {}
        self._ends = now + self._window
