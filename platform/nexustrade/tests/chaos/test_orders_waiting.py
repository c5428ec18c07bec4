"""Orders that risk was not there to decide, and what becomes of them when it is back."""

from __future__ import annotations

import pytest
from support.burst import in_flight
from support.client import expect
from support.race import held_row
from support.trading import reaches, restarted
from support.wait import until

pytestmark = pytest.mark.services("orders", "risk", "gateway")


@pytest.fixture(scope="module")
def platform(own_platform):
    """Orders are taken up again after one second; whoever is slow is waited for."""
    return own_platform(
        env={
            "NEXUS__ORDERS__CREDIT_CHECK__RETRY_SECONDS": "1",
            "NEXUS__ORDERS__CREDIT_CHECK__TIMEOUT_SECONDS": "20",
            "NEXUS__GATEWAY__DEADLINE_SECONDS": "25",
        },
        services=["gateway", "auth", "users", "orders", "risk"],
    )


@pytest.fixture
def trader(platform, market_on):
    return market_on(platform).new_trader(limit="100000", cash="0")


@pytest.fixture
def symbol(platform, market_on):
    return market_on(platform).new_symbol()


@pytest.fixture(autouse=True)
def everything_runs(platform):
    """Leaves the platform whole for the next test."""
    yield
    platform.wait_healthy()


def test_an_order_waits_for_risk_to_come_back(platform, trader, symbol) -> None:
    """Without risk an order is written down, not refused; with risk back it is accepted and reserved once."""
    platform.kill("risk")
    order = expect(trader.submit(symbol, "buy", "100", "10.00", key="patient"), 202)
    assert order["status"] == "pending"
    assert trader.submit(symbol, "buy", "100", "10.00", key="patient").status_code == 409
    restarted(platform, "risk", trader)
    reaches(trader, order["order_id"], "accepted")
    assert trader.limit()["used"] == "1000"
    again = expect(trader.submit(symbol, "buy", "100", "10.00", key="patient"), 201)
    assert again["order_id"] == order["order_id"]


def test_risk_killed_in_the_middle_of_a_reservation_leaves_no_trace(platform, trader, symbol) -> None:
    """Orders whose reservation was cut off are reserved exactly once each after risk is back."""
    with held_row(platform, trader.account_id) as row:
        with in_flight([lambda: trader.submit(symbol, "buy", "100", "10.00")] * 3) as futures:
            until(lambda: row.waiting() >= 1, message="a reservation is under way")
            platform.kill("risk")
            row.release()
        for future in futures:
            expect(future.result(), 201, 202)
    restarted(platform, "risk", trader)
    for future in futures:
        reaches(trader, future.result().json()["order_id"], "accepted")
    items = trader.client.get(f"/v1/risk/reservations/{trader.account_id}").json()["items"]
    assert len(items) == 3
    assert trader.limit()["used"] == "3000"


def test_a_spread_waits_for_risk_as_a_whole(platform, trader, symbol) -> None:
    """Without risk no leg is decided; with risk back all legs are accepted, and reserved once each."""
    platform.kill("risk")
    legs = [trader.leg(symbol, "buy", "100", "10.00"), trader.leg(symbol, "buy", "50", "10.00")]
    spread = expect(trader.submit_spread(*legs, key="patient"), 202)
    assert [leg["status"] for leg in spread["legs"]] == ["pending", "pending"]
    restarted(platform, "risk", trader)
    for leg in spread["legs"]:
        reaches(trader, leg["order_id"], "accepted")
    assert trader.limit()["used"] == "1500"
    again = expect(trader.submit_spread(*legs, key="patient"), 201)
    assert again["spread_id"] == spread["spread_id"]


def test_a_spread_that_waited_is_refused_as_a_whole(platform, trader, symbol) -> None:
    """When the answer that comes late is no, no leg is left live, and nothing is held."""
    platform.kill("risk")
    legs = [trader.leg(symbol, "buy", "700", "100.00"), trader.leg(symbol, "buy", "400", "100.00")]
    spread = expect(trader.submit_spread(*legs), 202)
    restarted(platform, "risk", trader)
    for leg in spread["legs"]:
        reaches(trader, leg["order_id"], "rejected")
    assert trader.limit()["used"] == "0"
