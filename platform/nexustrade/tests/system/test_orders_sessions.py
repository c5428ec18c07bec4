"""A market whose clock is moved: what the exchange's hours mean for orders of the whole platform."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.client import expect

pytestmark = pytest.mark.services("gateway", "orders", "risk")


@pytest.fixture(scope="module")
def platform(own_platform):
    """A platform of its own, whose time these tests set."""
    # Nothing here is about late answers: a slow machine gets the time it takes.
    patient = {
        "NEXUS__GATEWAY__DEADLINE_SECONDS": "25",
        "NEXUS__ORDERS__CREDIT_CHECK__TIMEOUT_SECONDS": "20",
    }
    return own_platform(services=["gateway", "auth", "users", "orders", "risk"], env=patient)


@pytest.fixture
def trader(platform, market_on):
    return market_on(platform).new_trader(cash="0")


@pytest.fixture
def symbol(platform, market_on):
    return market_on(platform).new_symbol(calendar="XNYS")


@pytest.fixture
def market_time(platform):
    """Sets the time of the market; it is the system's again afterwards."""
    yield platform.clock.set
    platform.clock.reset()


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (datetime(2027, 1, 13, 14, 31, tzinfo=UTC), True),
        (datetime(2027, 1, 13, 20, 55, tzinfo=UTC), True),
        (datetime(2027, 7, 14, 13, 31, tzinfo=UTC), True),
        (datetime(2027, 7, 14, 20, 30, tzinfo=UTC), False),
        (datetime(2027, 3, 15, 13, 45, tzinfo=UTC), True),
        (datetime(2027, 11, 8, 13, 45, tzinfo=UTC), False),
        (datetime(2027, 11, 26, 18, 30, tzinfo=UTC), False),
    ],
    ids=["winter", "winter-late", "summer", "summer-late", "forward", "back", "early-close"],
)
def test_orders_follow_the_exchange_s_wall_clock(trader, symbol, market_time, moment, is_open) -> None:
    """In its session an order is accepted; after it it is refused with the next opening, and kept."""
    market_time(moment)
    answer = trader.submit(symbol, "buy", "10", "1.00")
    if is_open:
        assert answer.status_code == 201, answer.text
        return
    problem = expect(answer, 409)
    assert problem["type"].endswith("/market-closed")
    assert datetime.fromisoformat(problem["opens_at"]) > moment
    order = trader.order(problem["order_id"])
    assert (order["status"], order["reason"]) == ("rejected", "market-closed")
    assert trader.limit()["used"] == "0"


def test_the_status_of_a_symbol_follows_the_market_clock(trader, symbol, market_time) -> None:
    """On a summer evening the symbol is out of session, and opens at 9:30 of the next morning in New York."""
    market_time(datetime(2027, 7, 14, 20, 30, tzinfo=UTC))
    status = expect(trader.client.get(f"/v1/instruments/{symbol}/status"), 200)
    assert (status["in_session"], status["trading_day"]) == (False, "2027-07-15")
    assert datetime.fromisoformat(status["opens_at"]) == datetime(2027, 7, 15, 13, 30, tzinfo=UTC)
    assert datetime.fromisoformat(status["closes_at"]) == datetime(2027, 7, 15, 20, 0, tzinfo=UTC)
