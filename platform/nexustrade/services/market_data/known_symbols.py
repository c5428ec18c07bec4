"""The symbols that are listed, in a filter that costs a few bits for each."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shared import clock
from shared.cache import BloomFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class KnownSymbols:
    """Says of a symbol that it is not listed, so that nobody has to be asked.

    It holds `expected` symbols, and takes a share of `rate` of all others for listed. It hears late of a new
    symbol: so long as not more than `doubts` symbols a second are unknown to it, they get the benefit of the
    doubt. Before the first `replace` all of them do. Thread-safe.
    """

    def __init__(
        self, *, expected: int, rate: float, doubts: float, monotonic: Callable[[], float] = clock.monotonic
    ) -> None:
        self._expected = expected
        self._rate = rate
        self._doubts = doubts
        self._monotonic = monotonic
        self._left, self._counted_at = doubts, monotonic()
        self._lock = threading.Lock()
        self._filter: BloomFilter | None = None

    def may_hold(self, symbol: str) -> bool:
        """False: it is not listed. True: somebody who knows has to be asked."""
        with self._lock:
            if self._filter is None or symbol in self._filter:
                return True
            return self._take_doubt()

    def add(self, symbol: str) -> None:
        with self._lock:
            if self._filter is not None:
                self._filter.add(symbol)

    def replace(self, symbols: Iterable[str]) -> None:
        """From now on these are listed, and none of those before."""
        listed = list(symbols)
        fresh = BloomFilter(max(self._expected, 2 * len(listed)), self._rate)
        for symbol in listed:
            fresh.add(symbol)
        with self._lock:
            self._filter = fresh

    def _take_doubt(self) -> bool:
        """One of `doubts` tokens, which come back within a second."""
        now = self._monotonic()
        self._left = min(self._doubts, self._left + (now - self._counted_at) * self._doubts)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
