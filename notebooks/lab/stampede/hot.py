"""A few readers who do nothing but read: which tier of the cache answers which key."""

from __future__ import annotations

from lab.case import Incident
from lab.riskdesk.common import market_of
from lab.stampede.crowd import Crowd
from lab.stampede.opening import keys, shares, since
from lab.stampede.record import Load

#: They read without a pause: however slow the machine, few of them can miss the copy of a key together.
READERS, SECONDS = 3, 4.0


def hot_keys(incident: Incident) -> Load:
    """Reads the popular quotes over and over for some seconds, half of the time the first of them."""
    market_of(incident)
    with Crowd(incident) as crowd:
        before = keys(incident)
        crowd.steadily(shares(), readers=READERS, every=0.0, seconds=SECONDS)
    return Load(keys=tuple(since(before, keys(incident))), seconds=SECONDS)
