"""A price is what was written, to the last digit, wherever matching has it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from support.engine import resting

from services.matching.codec import decode_order, encode_order, to_command, to_price
from services.matching.engine import MatchingEngine
from services.matching.executions import Trade
from services.matching.published import trade_event
from shared.events.types import ReplaceOrder, SubmitOrder
from shared.money import Money, Price, Quantity

pytestmark = pytest.mark.services("matching")
MOMENT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
CENTS = [Price(Decimal(cents) / 100) for cents in range(1, 301)]


def submit(order_id, side, price, quantity=100, **fields):
    return SubmitOrder(
        **{
            "order_id": order_id,
            "account_id": f"acc-{order_id}",
            "symbol": "ACME",
            "side": side,
            "order_type": "limit",
            "time_in_force": "gtc",
            "price": price,
            "quantity": Quantity(quantity),
            "submitted_at": MOMENT,
            **fields,
        }
    )


def trades_at(price, first="buy", second="sell"):
    """What two orders at one price trade, as published."""
    engine = MatchingEngine("ACME")
    engine.apply(to_command(submit("m", first, price)))
    executions = engine.apply(to_command(submit("t", second, price)))
    return [trade_event(each, "ACME", MOMENT) for each in executions if isinstance(each, Trade)]


@pytest.mark.parametrize("first", ["buy", "sell"])
def test_orders_at_one_price_match_at_every_cent(first):
    """Whichever side rests, a buy and a sell at the same price trade, at that price."""
    second = "sell" if first == "buy" else "buy"
    traded = {price: [each.price for each in trades_at(price, first, second)] for price in CENTS}
    assert {price: found for price, found in traded.items() if found != [price]} == {}


def test_a_day_of_trades_adds_up_to_the_cent():
    """The money of trades at every cent is the sum of price times quantity."""
    money = Money.total(each.price * each.quantity for price in CENTS for each in trades_at(price))
    assert money == Money.total(price * Quantity(100) for price in CENTS)


@pytest.mark.parametrize("text", ["0.29", "1.13", "1.15", "2.01", "0.0007", "1.0003", "19.99"])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_resting_order_shows_the_price_that_it_was_sent_with(side, text):
    """The level in the book is the order's own limit."""
    engine = MatchingEngine("ACME")
    engine.apply(to_command(submit("o", side, Price(text))))
    ((_, ticks, _),) = resting(engine)
    assert to_price(ticks) == Price(text)


def test_stop_and_replaced_prices_are_exact_as_well():
    """Every price that reaches the engine takes the same way."""
    price = Price("1.13")
    stop = to_command(submit("o", "sell", price, order_type="stop_limit", stop_price=price))
    changed = ReplaceOrder(
        order_id="o",
        account_id="a",
        symbol="ACME",
        quantity=Quantity(5),
        price=price,
        requested_at=MOMENT,
    )
    found = [to_price(ticks) for ticks in (stop.price, stop.stop_price, to_command(changed).price)]
    assert found == [price] * 3


def test_a_stored_price_comes_back_as_it_was():
    """Every cent survives being stored and read."""
    engine = MatchingEngine("ACME")
    for index, price in enumerate(CENTS):
        engine.apply(to_command(submit(f"o{index}", "buy", price)))
    stored = [decode_order(o.order_id, encode_order(o)) for o in engine.book.in_queue_order()]
    assert [to_price(order.price) for order in stored] == CENTS[::-1]
