"""Orders when risk, its database, the brokers, or orders itself go away half way."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.burst import all_at_once, in_flight
from support.client import expect
from support.race import held_row
from support.risk_desk import RiskDesk, statuses
from support.trades import events_of
from support.trading import reaches, restarted
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


def connected(platform, trader, symbol: str, connections: int) -> None:
    """Makes risk open that many connections to its database, which it keeps for a while."""
    calls = [lambda: trader.submit(symbol, "buy", "1", "1.00")] * connections
    with held_row(platform, trader.account_id) as row, in_flight(calls):
        row.release_when_settled(connections)


def test_a_slow_database_does_not_widen_the_limit(platform, market_on, trader, symbol) -> None:
    """With every statement of risk delayed, five orders at once still stop at the limit."""
    connected(platform, market_on(platform).new_trader(cash="0"), symbol, 5)
    platform.faults.link("risk", "orders_db").delay(40)
    with held_row(platform, trader.account_id) as row:
        calls = [lambda: trader.submit(symbol, "buy", "300", "100.00")] * 5
        with in_flight(calls) as futures:
            row.release_when_settled(5)
        ids = [expect(future.result(), 201, 202, 409)["order_id"] for future in futures]
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
        reaches(trader, order.json()["order_id"], "accepted")
    with RiskDesk(platform) as desk:
        assert desk.used(trader.account_id) == Decimal(20)


def test_orders_are_accepted_while_the_brokers_are_away(platform, trader, symbol) -> None:
    """What was accepted without brokers is published, once, when they are back."""
    for broker in BROKERS:
        platform.kafka.broker_down(broker)
    order_id = expect(trader.submit(symbol, "buy", "10", "1.00"), 201, 202)["order_id"]
    reaches(trader, order_id, "accepted")
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
    order_id = expect(trader.submit(symbol, "buy", "10", "1.00"), 201, 202)["order_id"]
    reaches(trader, order_id, "accepted")
    platform.kill("orders")
    for broker in BROKERS:
        platform.kafka.broker_up(broker)
    restarted(platform, "orders", trader)
    sold = expect(other.submit(symbol, "sell", "10", "1.00"), 201, 202)["order_id"]
    reaches(other, sold, "filled")
    reaches(trader, order_id, "filled")


def test_a_slow_credit_check_refuses_nobody(platform, trader, symbol) -> None:
    """Orders whose check takes longer than its time-out wait, and each is accepted when it succeeds."""
    with held_row(platform, trader.account_id) as row:
        answers = all_at_once([lambda: trader.submit(symbol, "buy", "10", "1.00")] * 3)
        row.release()
    assert statuses(answers) == {202: 3}
    for answer in answers:
        reaches(trader, answer.json()["order_id"], "accepted")
    assert trader.limit()["used"] == "30"
