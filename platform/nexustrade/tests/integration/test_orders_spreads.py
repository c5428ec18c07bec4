"""Spreads, stop orders, replacements and trading statuses through the gateway."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.burst import all_at_once
from support.client import expect
from support.trades import events_of
from support.wait import until

pytestmark = pytest.mark.services("gateway", "orders", "risk")
with_matching = pytest.mark.services("matching")


def test_a_spread_is_accepted_with_all_its_legs(new_trader, new_symbol) -> None:
    """Both legs are accepted, reserved, shown in the order sent, and found in the history."""
    trader, near, far = new_trader(limit="1000", cash="0"), new_symbol(), new_symbol()
    legs = [trader.leg(near, "buy", "10", "20.00"), trader.leg(far, "sell", "10", "30.00")]
    spread = expect(trader.submit_spread(*legs), 201)
    assert spread["status"] == "accepted"
    assert [(leg["symbol"], leg["status"]) for leg in spread["legs"]] == [
        (near, "accepted"),
        (far, "accepted"),
    ]
    assert trader.limit()["used"] == "500"
    history = trader.client.get("/v1/orders").json()["items"]
    assert {order["spread_id"] for order in history} == {spread["spread_id"]}


def test_a_spread_with_no_room_for_its_last_leg_is_not_live_at_all(platform, new_trader, new_symbol) -> None:
    """The first leg would fit alone: it is rejected with the other, holds nothing, and reaches nobody."""
    trader, symbol = new_trader(limit="1000", cash="0"), new_symbol()
    legs = [trader.leg(symbol, "buy", "60", "10.00"), trader.leg(symbol, "buy", "50", "10.00")]
    problem = expect(trader.submit_spread(*legs), 409)
    spread = expect(trader.client.get(f"/v1/spreads/{problem['spread_id']}"), 200)
    assert [leg["status"] for leg in spread["legs"]] == ["rejected", "rejected"]
    assert trader.limit()["used"] == "0"
    ids = [leg["order_id"] for leg in spread["legs"]]
    until(lambda: len(events_of(platform, "order-events", *ids)) == 2, message="the rejections are told")
    assert events_of(platform, "order-commands", *ids) == []


def test_a_spread_is_sent_once_however_often(new_trader, new_symbol) -> None:
    """Repeated, even at the same moment, a spread is one: its answer is the first or that it is in flight."""
    trader, symbol = new_trader(cash="0"), new_symbol()
    legs = [trader.leg(symbol, "buy", "1", "1.00"), trader.leg(symbol, "buy", "2", "1.00")]
    answers = all_at_once([lambda: trader.submit_spread(*legs, key="once")] * 4)
    assert {answer.status_code for answer in answers} <= {201, 202, 409}
    again = until(
        lambda: (found := trader.submit_spread(*legs, key="once")).status_code == 201 and found.json(),
        message="the spread is accepted",
    )
    for answer in answers:
        if answer.status_code == 201:
            assert answer.json()["spread_id"] == again["spread_id"]
    assert len(trader.client.get("/v1/orders").json()["items"]) == 2


def test_a_spread_with_a_bad_leg_leaves_nothing(new_trader, new_symbol) -> None:
    """A leg off the grid is refused with its field, and no other leg is kept."""
    trader, symbol = new_trader(cash="0"), new_symbol()
    legs = [trader.leg(symbol, "buy", "1", "1.00"), trader.leg(symbol, "buy", "1", "1.001")]
    expect(trader.submit_spread(*legs), 422)
    assert trader.client.get("/v1/orders").json()["items"] == []


def test_a_stop_order_is_accepted_and_reserved(platform, new_trader, new_symbol) -> None:
    """A stop order waits as accepted, valued at its stop price, and matching learns that price."""
    trader, symbol = new_trader(cash="0"), new_symbol()
    fields = {"order_type": "stop", "time_in_force": "gtc", "stop_price": "12.50"}
    order = expect(trader.submit(symbol, "buy", "10", None, **fields), 201)
    assert (order["status"], order["stop_price"], order["price"]) == ("accepted", "12.5", None)
    assert trader.limit()["used"] == "125"
    (command,) = until(
        lambda: events_of(platform, "order-commands", order["order_id"]), message="the command is published"
    )
    assert str(command.payload.stop_price) == "12.5"
    assert command.payload.calendar == "CONTINUOUS"


@with_matching
def test_a_larger_order_is_reserved_before_it_is_replaced(new_trader, new_symbol) -> None:
    """Asking for more takes the exposure at once; asking for more than there is changes nothing."""
    trader, symbol = new_trader(limit="1000", cash="0"), new_symbol()
    order_id = expect(trader.submit(symbol, "buy", "10", "10.00"), 201)["order_id"]
    expect(trader.client.patch(f"/v1/orders/{order_id}", json={"quantity": "50"}), 202)
    assert trader.limit()["used"] == "500"
    until(lambda: trader.order(order_id)["quantity"] == "50", message="the replacement is confirmed")
    refusal = expect(trader.client.patch(f"/v1/orders/{order_id}", json={"price": "21.00"}), 409)
    assert (refusal["reason"], refusal["order_id"]) == ("limit-exceeded", order_id)
    order = trader.order(order_id)
    assert (order["quantity"], order["price"], order["status"]) == ("50", "10", "accepted")
    assert trader.limit()["used"] == "500"


@with_matching
def test_a_smaller_order_gives_exposure_back(new_trader, new_symbol) -> None:
    """Once matching confirms fewer shares, what they held is free again."""
    trader, symbol = new_trader(cash="0"), new_symbol()
    order_id = expect(trader.submit(symbol, "buy", "10", "10.00"), 201)["order_id"]
    expect(trader.client.patch(f"/v1/orders/{order_id}", json={"quantity": "4", "price": "9.00"}), 202)
    until(lambda: trader.limit()["used"] == "36", message="the rest is released")
    order = until(
        lambda: (found := trader.order(order_id))["quantity"] == "4" and found,
        message="the order shows its replacement",
    )
    assert order["price"] == "9"


@with_matching
def test_an_ended_order_cannot_be_replaced(new_trader, new_symbol) -> None:
    """A cancelled order is beyond change."""
    trader, symbol = new_trader(cash="0"), new_symbol()
    order_id = expect(trader.submit(symbol, "buy", "10", "10.00"), 201)["order_id"]
    expect(trader.client.delete(f"/v1/orders/{order_id}"), 202)
    until(lambda: trader.order(order_id)["status"] == "cancelled", message="it is cancelled")
    assert trader.client.patch(f"/v1/orders/{order_id}", json={"quantity": "5"}).status_code == 409


@with_matching
def test_partial_fills_add_up_to_the_order(new_trader, new_symbol) -> None:
    """Many small fills at prices below a cent show the exact average and the exact fees."""
    buyer, seller, symbol = new_trader(), new_trader(), new_symbol(tick_size="0.0001")
    prices = ["10.0001", "10.0002", "10.0004", "10.0033", "10.0049"]
    for price in prices:
        expect(seller.submit(symbol, "sell", "1", price), 201)
    order_id = expect(buyer.submit(symbol, "buy", "5", "10.0100"), 201)["order_id"]
    order = until(
        lambda: (found := buyer.order(order_id))["status"] == "filled" and found, message="it is filled"
    )
    value = sum(map(Decimal, prices), Decimal(0))
    assert Decimal(order["average_price"]) == value / 5
    assert Decimal(order["fees"]) == value * Decimal("0.00005")


def test_the_status_of_a_symbol_shows_its_session(operator, new_symbol) -> None:
    """A symbol of the exchange tells its next session; one of the continuous market is always in one."""
    for calendar in ("XNYS", "CONTINUOUS"):
        symbol = new_symbol(calendar=calendar)
        status = expect(operator.get(f"/v1/instruments/{symbol}/status"), 200)
        assert (status["calendar"], status["status"]) == (calendar, "open")
        assert status["opens_at"] < status["closes_at"]
        assert status["in_session"] or calendar == "XNYS"


def test_an_instrument_has_a_calendar(operator, new_symbol) -> None:
    """One that names none gets the market's; one that there is not is refused."""
    assert expect(operator.get(f"/v1/instruments/{new_symbol()}"), 200)["calendar"] == "CONTINUOUS"
    listed = expect(operator.get("/v1/instruments"), 200)["items"]
    assert {each["calendar"] for each in listed} <= {"XNYS", "CONTINUOUS"}
    body = {"symbol": "ZZNOCAL", "name": "none", "calendar": "XMOON"}
    assert "calendar" in str(expect(operator.post("/v1/instruments", json=body), 422)["errors"])


@with_matching
def test_a_halt_shows_once_matching_confirms_it(operator, new_trader, new_symbol) -> None:
    """An operator's halt reaches matching, and the symbol shows it."""
    trader, symbol = new_trader(cash="0"), new_symbol()
    expect(trader.submit(symbol, "buy", "1", "1.00"), 201)
    expect(operator.put(f"/v1/instruments/{symbol}/status", json={"status": "halted"}), 202)
    path = f"/v1/instruments/{symbol}/status"
    until(lambda: trader.client.get(path).json()["status"] == "halted", message="the symbol is halted")
    assert operator.put("/v1/instruments/NOSUCH/status", json={"status": "open"}).status_code == 404
