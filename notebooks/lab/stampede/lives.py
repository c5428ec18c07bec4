"""How long the cache means to keep what was loaded together."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from IPython.display import HTML

from lab.case import Incident
from lab.market import expect
from lab.riskdesk.common import market_of
from lab.stampede.crowd import Crowd
from lab.stampede.record import SYMBOLS
from lab.style import table


@dataclass(frozen=True, kw_only=True)
class Life:
    """An entry is fresh for `least` to `most` seconds; the two differ by what it took to look."""

    symbol: str
    least: float
    most: float

    @property
    def about(self) -> float:
        return (self.least + self.most) / 2


def lives(incident: Incident, *, symbols: Sequence[str] = SYMBOLS) -> list[Life]:
    """Has the bars of each symbol loaded afresh, and reads in Redis until when they are to be kept."""
    market_of(incident)
    with Crowd(incident) as crowd:
        return [_life(incident, crowd, symbol) for symbol in symbols]


def _life(incident: Incident, crowd: Crowd, symbol: str) -> Life:
    expect(incident.market.operator.delete(f"/v1/market/consolidated/{symbol}"), 204)
    began = time.time()
    crowd.at_once([f"candles/{symbol}?limit=1"])
    stored = incident.platform.redis().hget(f"cache:{{candles:{symbol}}}", "entry")
    fresh_until = json.loads(str(stored))[1] if stored else began
    return Life(symbol=symbol, least=fresh_until - time.time(), most=fresh_until - began)


def differ(found: Sequence[Life]) -> bool:
    """Whether they cannot all have one and the same life."""
    return max(life.least for life in found) > min(life.most for life in found)


def lives_table(found: Sequence[Life]) -> HTML:
    """A row an entry: the seconds for which it is fresh."""
    rows = [(f"candles:{life.symbol}", f"{life.least:.2f} to {life.most:.2f}") for life in found]
    return table(("entry", "fresh for, seconds"), rows)
