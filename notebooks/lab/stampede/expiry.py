"""One expiry, seen from the source: how often it is asked when so many readers come at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from IPython.display import HTML

from lab.case import Incident
from lab.riskdesk.common import market_of, waited
from lab.stampede.crowd import Crowd
from lab.stampede.opening import READERS
from lab.style import coloured, table
from runtime.errors import RuntimeFault

#: Readers at once, and the symbol that they all want. Bars are kept for half a minute: one expiry is one
#: expiry, however long the machine takes to serve the readers.
ROUNDS = ((1, "GS"), (20, "JPM"), (100, "XOM"), (READERS, "META"))
LANES, LATENCY_MS = 8, 250.0
#: One late answer costs a second call, and says nothing about the readers: such a round is tried again.
ATTEMPTS, A_FEW = 3, 3
_FAILED = 'market_data_source_calls_total{kind="candles",outcome="failed"}'


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """What one expiry of one symbol cost; `failed` readers got nothing."""

    symbol: str
    readers: int
    calls: int
    failed: int

    def __str__(self) -> str:
        return (
            f"{self.readers} readers of {self.symbol}: {self.calls} calls, {self.failed} readers got nothing"
        )


def at_once(incident: Incident, *, rounds: Sequence[tuple[int, str]] = ROUNDS) -> list[Expiry]:
    """For each round, an entry is over and gone, and all readers ask for it at the same moment."""
    market_of(incident)
    exchange = incident.platform.exchange
    exchange.pace(lanes=LANES, latency_ms=LATENCY_MS)
    try:
        with Crowd(incident) as crowd:
            return [_patiently(incident, crowd, readers, symbol) for readers, symbol in rounds]
    finally:
        exchange.pace()


def _patiently(incident: Incident, crowd: Crowd, readers: int, symbol: str) -> Expiry:
    for _ in range(ATTEMPTS):
        before = _late(incident)
        seen = _round(incident, crowd, readers, symbol)
        if not 1 < seen.calls <= A_FEW or _late(incident) == before:
            break
    return seen


def _round(incident: Incident, crowd: Crowd, readers: int, symbol: str) -> Expiry:
    path, exchange = f"candles/{symbol}?limit=1", incident.platform.exchange
    crowd.at_once([path])
    waited(lambda: exchange.waiting() == 0, "the source has answered", timeout=60.0)
    incident.platform.redis().delete(f"cache:{{candles:{symbol}}}")
    before = exchange.calls(symbol, "candles")
    reads = crowd.at_once([path] * readers)
    return Expiry(
        symbol=symbol,
        readers=readers,
        calls=exchange.calls(symbol, "candles") - before,
        failed=sum(read.status != 200 for read in reads),
    )


def _late(incident: Incident) -> tuple[float] | None:
    """How many of the service's calls had no answer in time, once it is not too busy to tell."""

    def told() -> tuple[float] | None:
        try:
            return (incident.platform.metrics("market-data").get(_FAILED, 0.0),)
        except RuntimeFault:
            return None

    return waited(told, "market-data tells its metrics", timeout=60.0)


def expiries_table(*runs: Sequence[Expiry], titles: Sequence[str] = ("before", "after")) -> HTML:
    """A row for each number of readers: calls that one expiry cost, and readers who got nothing."""
    heads = [
        f"{what}, {title}"
        for title in titles[: len(runs)]
        for what in ("source calls", "readers with nothing")
    ]
    rows = [
        (f"{each[0].readers:,} × {each[0].symbol}", *(cell for one in each for cell in _cells(one)))
        for each in zip(*runs, strict=True)
    ]
    return table(("readers at once", *heads), rows, caption="One expiry of one symbol")


def _cells(one: Expiry) -> tuple[HTML, HTML]:
    return coloured(f"{one.calls:,}", good=one.calls == 1), coloured(f"{one.failed:,}", good=not one.failed)
