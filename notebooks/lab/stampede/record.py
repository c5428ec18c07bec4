"""What was seen of readers, cache and exchange feed around some expiries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lab.stampede.crowd import Read

#: The most popular first.
SYMBOLS: Final = (
    "NVDA", "AAPL", "TSLA", "MSFT", "AMZN", "META", "GOOGL", "JPM", "XOM", "GS", "SIRI", "BRK.B",
)  # fmt: skip
#: Seconds without a call for a symbol after which the next one belongs to another expiry: lives are longer.
CALM: Final = 0.6
#: A read is around an expiry when the source gave an answer for its symbol from so many seconds before the
#: read began to so many after. How long it took does not count: slow ones would draw expiries to themselves.
BEFORE, AFTER = 0.25, 1.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The traffic: so many readers, each asks `every` so many seconds, for `seconds`.

    The source answers `lanes` calls at a time, each after `latency` seconds.
    """

    readers: int
    every: float
    seconds: float
    lanes: int
    latency: float

    @property
    def limit(self) -> float:
        """Calls per second that the source can answer."""
        return self.lanes / self.latency


@dataclass(frozen=True, kw_only=True)
class KeyReads:
    """Reads of one key by the tier that answered: a copy in the process, or Redis."""

    key: str
    near: int
    shared: int

    @property
    def total(self) -> int:
        return self.near + self.shared

    @property
    def symbol(self) -> str:
        return self.key.partition(":")[2]

    @property
    def share(self) -> float:
        """The part of the reads that Redis answered."""
        return self.shared / self.total if self.total else 0.0


@dataclass(frozen=True, kw_only=True)
class Load:
    """The reads of each key within some seconds."""

    keys: tuple[KeyReads, ...]
    seconds: float

    @property
    def hottest(self) -> KeyReads:
        return max(self.keys, key=lambda each: each.total)

    def __str__(self) -> str:
        hottest = self.hottest
        return f"{hottest.total:,} reads of {hottest.symbol}, {hottest.shared:,} of them answered by Redis"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Some seconds of readers; times are seconds since the first of them.

    `calls` are the source's answers, (time, symbol); `counted` is how many calls it had got until a time,
    (time, calls).
    """

    plan: Plan
    reads: tuple[Read, ...]
    calls: tuple[tuple[float, str], ...]
    counted: tuple[tuple[float, int], ...]
    load: Load
    began: float

    def expiries(self) -> list[list[tuple[float, str]]]:
        """Calls for one symbol in quick succession: one expiry each."""
        return [group for symbol in SYMBOLS for group in _groups(self.calls, symbol)]

    @property
    def calls_per_expiry(self) -> float:
        expiries = self.expiries()
        return len(self.calls) / len(expiries) if expiries else 0.0

    @property
    def worst_expiry(self) -> int:
        return max((len(group) for group in self.expiries()), default=0)

    @property
    def refused(self) -> int:
        """Reads that got no quote."""
        return sum(read.status != 200 for read in self.reads)

    def around(self) -> list[Read]:
        """Reads around an expiry of their symbol."""
        return [read for read in self.reads if self._is_around(read)]

    def between(self) -> list[Read]:
        return [read for read in self.reads if not self._is_around(read)]

    @property
    def p99_around(self) -> float:
        return p99(read.seconds for read in self.around())

    @property
    def p99_between(self) -> float:
        return p99(read.seconds for read in self.between())

    @property
    def ratio(self) -> float:
        """p99 around an expiry over p99 between expiries."""
        return self.p99_around / self.p99_between if self.p99_between else 0.0

    def _is_around(self, read: Read) -> bool:
        symbol = symbol_of(read)
        return any(its == symbol and -BEFORE <= at - read.start <= AFTER for at, its in self.calls)

    def __str__(self) -> str:
        return (
            f"{len(self.reads):,} reads, {self.refused:,} of them without an answer; "
            f"{len(self.calls):,} calls to the source in {len(self.expiries())} expiries; "
            f"p99 {1e3 * self.p99_around:,.0f} ms around an expiry, "
            f"{1e3 * self.p99_between:,.0f} ms between"
        )


def symbol_of(read: Read) -> str:
    return read.path.partition("/")[2].partition("?")[0]


def p99(seconds: Iterable[float]) -> float:
    """The 99th percentile; 0 of nothing."""
    ranked = sorted(seconds)
    return ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))] if ranked else 0.0


def _groups(calls: Sequence[tuple[float, str]], symbol: str) -> list[list[tuple[float, str]]]:
    groups: list[list[tuple[float, str]]] = []
    for call in sorted(call for call in calls if call[1] == symbol):
        if not groups or call[0] - groups[-1][-1][0] > CALM:
            groups.append([])
        groups[-1].append(call)
    return groups
