"""Orders at the edges of the exchange's sessions, on ordinary days and on odd ones."""

from __future__ import annotations

import pytest
from support.in_service import run_in_service

pytestmark = pytest.mark.services("orders")

# The exchange opens at 9:30 and closes at 16:00 in New York: 14:30 and 21:00 UTC in winter, 13:30 and 20:00
# in summer. Clocks go forward on 8 March 2026 and back on 1 November 2026.
MOMENTS = {
    "winter, a moment before the opening": ("2026-01-14T14:29:59.999999+00:00", False),
    "winter, the opening": ("2026-01-14T14:30:00+00:00", True),
    "winter, a moment before the close": ("2026-01-14T20:59:59.999999+00:00", True),
    "winter, the close": ("2026-01-14T21:00:00+00:00", False),
    "summer, the opening": ("2026-07-15T13:30:00+00:00", True),
    "summer, a moment before the close": ("2026-07-15T19:59:59.999999+00:00", True),
    "summer, the close": ("2026-07-15T20:00:00+00:00", False),
    "summer, half an hour after the close": ("2026-07-15T20:30:00+00:00", False),
    "the Friday before clocks go forward, the opening": ("2026-03-06T14:30:00+00:00", True),
    "the Monday after clocks went forward, the opening": ("2026-03-09T13:30:00+00:00", True),
    "the Monday after clocks went forward, the close": ("2026-03-09T20:00:00+00:00", False),
    "the Friday before clocks go back, the close": ("2026-10-30T20:00:00+00:00", False),
    "the Monday after clocks went back, before the opening": ("2026-11-02T13:30:00+00:00", False),
    "the Monday after clocks went back, before the close": ("2026-11-02T20:59:59+00:00", True),
    "the day after Thanksgiving, a moment before the early close": ("2026-11-27T17:59:59+00:00", True),
    "the day after Thanksgiving, the early close": ("2026-11-27T18:00:00+00:00", False),
    "Thanksgiving at noon": ("2026-11-26T17:00:00+00:00", False),
    "a Saturday at noon": ("2026-07-18T16:00:00+00:00", False),
}


@pytest.fixture(scope="module")
def outcomes(platform) -> dict[str, dict]:
    """An order at each of the moments."""
    moments = [moment for moment, _ in MOMENTS.values()]
    found = run_in_service(platform, "orders", "support.orders_scenarios:gate", moments=moments)
    return dict(zip(MOMENTS, found, strict=True))


@pytest.mark.parametrize("when", MOMENTS)
def test_an_order_is_taken_within_the_session_only(outcomes, when) -> None:
    """Inside its session an order is accepted; outside it is kept as rejected, and risk is not asked."""
    _, is_open = MOMENTS[when]
    accepted = {"status": "accepted", "reason": None, "asked": 1}
    assert outcomes[when] == (
        accepted if is_open else {"status": "rejected", "reason": "market-closed", "asked": 0}
    )


def test_a_continuous_market_never_closes(platform) -> None:
    """On the continuous calendar an order is accepted on a Sunday night as on any day."""
    moments = ["2026-07-19T03:59:59+00:00", "2026-11-01T06:30:00+00:00", "2026-12-25T17:00:00+00:00"]
    found = run_in_service(
        platform,
        "orders",
        "support.orders_scenarios:gate",
        moments=moments,
        calendar="CONTINUOUS",
    )
    assert [each["status"] for each in found] == ["accepted"] * 3
