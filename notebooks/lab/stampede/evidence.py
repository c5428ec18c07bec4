"""What traces tell of the readers of one expiry."""

from __future__ import annotations

from typing import Any

from lab.case import Incident
from lab.stampede.crowd import SERVICE
from lab.stampede.record import Opening

_ROUTE = "/v1/market/consolidated/"
SHOWN = 12


def evidence(incident: Incident, run: Opening, *, shown: int = SHOWN) -> dict[str, list[dict[str, Any]]]:
    """The spans of the requests from the expiry on that cost the source most calls, for a waterfall."""
    worst = max(run.expiries(), key=len)
    # Calls are known by their answers: who asked first has waited at least as long as the source takes.
    first = run.began + worst[0][0] - 1.5 * run.plan.latency
    spans = [
        span
        for span in incident.platform.traces()
        if span["service"] == SERVICE and _ROUTE in span["name"] and span["start"] >= first
    ]
    return {f"readers at second {first - run.began:.1f}, when {worst[0][1]} expires": spans[:shown]}
