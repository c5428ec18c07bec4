"""Orders when risk, its database, the brokers, or orders itself go away half way."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.burst import all_at_once, in_flight
from support.client import expect
from support.race import held_row
from support.risk_desk import RiskDesk, statuses
from support.trades import events_of
from support.wait import until

pytestmark = pytest.mark.services("orders", "risk", "gateway", "matching")

BROKERS = (1, 2, 3)


@pytest.fixture(scope="module")
def platform(own_platform):
    """Orders are taken up again after one second; the way from risk to its database can be disturbed."""
    return own_platform(
        links=[("risk", "orders_db")],
        # The gateway waits longer than usual: what is slow here is the way behind orders.
        env={
            "NEXUS__ORDERS__CREDIT_CHECK__RETRY_SECONDS": "1",
            "NEXUS__GATEWAY__DEADLINE_SECONDS": "20",
        },
        services=["gateway", "auth", "users", "orders", "risk", "matching"],
    )


@pytest.fixture
def trader(platform, market_on):
    """A trader on a platform whose orders are decided at once: orders knows again that risk is there."""
    market = market_on(platform)
    other, symbol = market.new_trader(cash="0"), market.new_symbol()
    until(
        lambda: other.submit(symbol, "buy", "1", "1.00").status_code == 201,
        timeout=30,
        message="orders reaches risk",
    )
    return market.new_trader(limit="100000", cash="0")


@pytest.fixture
def symbol(platform, market_on):
    return market_on(platform).new_symbol()


@pytest.fixture(autouse=True)
def everything_heals(platform):
    """Leaves the platform whole for the next test."""
    yield
    platform.faults.heal()
    platform.kafka.heal()
    platform.wait_healthy()


def started(platform, service: str, trader) -> None:
    """Starts a service again and waits until the gateway, too, has noticed."""
    platform.start_service(service)
    path = {"orders": "/v1/orders", "risk": f"/v1/risk/limits/{trader.account_id}"}[service]
    until(
        lambda: trader.client.get(path).status_code == 200,
        timeout=30,
        message=f"{service} answers through the gateway",
    )


def decided(trader, order_id: str, status: str) -> None:
    until(
        lambda: trader.order(order_id)["status"] == status,
        timeout=30,
        message=f"the order is {status}",
    )


def test_an_order_waits_for_risk_to_come_back(platform, trader, symbol) -> None:
    """Without risk an order is written down, not refused; with risk back it is accepted and reserved once."""
    platform.kill("risk")
    order = expect(trader.submit(symbol, "buy", "100", "10.00", key="patient"), 202)
    assert order["status"] == "pending"
    assert trader.submit(symbol, "buy", "100", "10.00", key="patient").status_code == 409
    started(platform, "risk", trader)
    decided(trader, order["order_id"], "accepted")
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
    started(platform, "risk", trader)
    for future in futures:
        decided(trader, future.result().json()["order_id"], "accepted")
    items = trader.client.get(f"/v1/risk/reservations/{trader.account_id}").json()["items"]
    assert len(items) == 3
    assert trader.limit()["used"] == "3000"


def test_a_slow_database_does_not_widen_the_limit(platform, trader, symbol) -> None:
    """With every statement of risk delayed, five orders at once still stop at the limit."""
    platform.faults.link("risk", "orders_db").delay(40)
    with held_row(platform, trader.account_id) as row:
        calls = [lambda: trader.submit(symbol, "buy", "300", "100.00")] * 5
        with in_flight(calls) as futures:
            row.release_when_settled(5)
        ids = [future.result().json()["order_id"] for future in futures]
    states = [until(lambda i=i: (s := trader.order(i)["status"]) != "pending" and s, timeout=30) for i in ids]
    assert sorted(states) == ["accepted"] * 3 + ["rejected"] * 2
    assert trader.limit()["used"] == "90000"


def test_a_lost_database_link_refuses_nobody(platform, trader, symbol) -> None:
    """Orders that come while risk cannot reach its database are decided once it can."""
    link = platform.faults.link("risk", "orders_db")
    link.black_hole()
    orders = all_at_once([lambda: trader.submit(symbol, "buy", "10", "1.00")] * 2)
    assert statuses(orders) == {202: 2}
    link.heal()
    link.reset_connections()
    for order in orders:
        decided(trader, order.json()["order_id"], "accepted")
    with RiskDesk(platform) as desk:
        assert desk.used(trader.account_id) == Decimal(20)


def test_orders_are_accepted_while_the_brokers_are_away(platform, trader, symbol) -> None:
    """What was accepted without brokers is published, once, when they are back."""
    for broker in BROKERS:
        platform.kafka.broker_down(broker)
    order_id = expect(trader.submit(symbol, "buy", "10", "1.00"), 201)["order_id"]
    for broker in BROKERS:
        platform.kafka.broker_up(broker)
    # Two topics, led by different brokers: whichever is back first gets its event first.
    for topic, event_type in (("order-events", "OrderAccepted"), ("order-commands", "SubmitOrder")):
        until(
            lambda topic=topic: events_of(platform, topic, order_id),
            timeout=40,
            message=f"the acceptance is published on {topic}",
        )
        assert [event.event_type for event in events_of(platform, topic, order_id)] == [event_type]


def test_orders_killed_between_acceptance_and_publication_forgets_nothing(
    platform, market_on, trader, symbol
) -> None:
    """An order that was accepted but not yet published when its service died reaches the market."""
    other = market_on(platform).new_trader(cash="0")
    for broker in BROKERS:
        platform.kafka.broker_down(broker)
    order_id = expect(trader.submit(symbol, "buy", "10", "1.00"), 201)["order_id"]
    platform.kill("orders")
    for broker in BROKERS:
        platform.kafka.broker_up(broker)
    started(platform, "orders", trader)
    sold = expect(other.submit(symbol, "sell", "10", "1.00"), 201)["order_id"]
    decided(other, sold, "filled")
    decided(trader, order_id, "filled")


def test_a_spread_waits_for_risk_as_a_whole(platform, trader, symbol) -> None:
    """Without risk no leg is decided; with risk back all legs are accepted, and reserved once each."""
    platform.kill("risk")
    legs = [trader.leg(symbol, "buy", "100", "10.00"), trader.leg(symbol, "buy", "50", "10.00")]
    spread = expect(trader.submit_spread(*legs, key="patient"), 202)
    assert [leg["status"] for leg in spread["legs"]] == ["pending", "pending"]
    started(platform, "risk", trader)
    for leg in spread["legs"]:
        decided(trader, leg["order_id"], "accepted")
    assert trader.limit()["used"] == "1500"
    again = expect(trader.submit_spread(*legs, key="patient"), 201)
    assert again["spread_id"] == spread["spread_id"]


def test_a_spread_that_waited_is_refused_as_a_whole(platform, trader, symbol) -> None:
    """When the answer that comes late is no, no leg is left live, and nothing is held."""
    platform.kill("risk")
    legs = [trader.leg(symbol, "buy", "700", "100.00"), trader.leg(symbol, "buy", "400", "100.00")]
    spread = expect(trader.submit_spread(*legs), 202)
    started(platform, "risk", trader)
    for leg in spread["legs"]:
        decided(trader, leg["order_id"], "rejected")
    assert trader.limit()["used"] == "0"


def test_a_slow_credit_check_refuses_nobody(platform, trader, symbol) -> None:
    """Orders whose check takes longer than its time-out wait, and each is accepted when it succeeds."""
    with held_row(platform, trader.account_id) as row:
        answers = all_at_once([lambda: trader.submit(symbol, "buy", "10", "1.00")] * 3)
        row.release()
    assert statuses(answers) == {202: 3}
    for answer in answers:
        decided(trader, answer.json()["order_id"], "accepted")
    assert trader.limit()["used"] == "30"
