"""Whatever happens at once, a spread is live with all its legs or with none, and the books say so."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from support.burst import all_at_once
from support.executions import executions_of, trades_in
from support.trading import place
from support.wait import until

pytestmark = pytest.mark.services("gateway", "orders", "risk")

ROOM = Decimal(1000)


def test_spreads_that_compete_for_a_limit_stay_whole(new_trader, new_symbol, rng) -> None:
    """Spreads sent side by side each stand or fall as one; the exposure in use is that of the standing."""
    trader, symbol = new_trader(limit=str(ROOM), cash="0"), new_symbol()
    # The first legs fit whatever else stands; it is the others that do not.
    worths = [[1, rng.randint(150, 300), rng.randint(150, 300)] for _ in range(6)]
    calls = [
        lambda worth=worth: trader.submit_spread(
            *[trader.leg(symbol, "buy", str(each), "1.00") for each in worth]
        )
        for worth in worths
    ]
    assert {answer.status_code for answer in all_at_once(calls)} <= {201, 202, 409}

    def legs() -> dict[str, list[dict]] | None:
        page = trader.client.get("/v1/orders", params={"limit": 50}).json()["items"]
        found = defaultdict(list)
        for order in page:
            found[order["spread_id"]].append(order)
        waiting = any(order["status"] == "pending" for order in page)
        return None if waiting else found

    spreads = until(legs, message="every spread is decided")
    assert len(spreads) == len(worths)
    states = {spread: {order["status"] for order in orders} for spread, orders in spreads.items()}
    assert all(each in ({"accepted"}, {"rejected"}) for each in states.values()), states
    standing = [order for orders in spreads.values() for order in orders if order["status"] == "accepted"]
    held = sum((Decimal(order["quantity"]) for order in standing), Decimal(0))
    assert Decimal(trader.limit()["used"]) == held <= ROOM


@pytest.mark.services("matching")
def test_orders_show_exactly_what_the_trades_were_worth(platform, new_trader, new_symbol, rng) -> None:
    """Over many partial fills, average prices and fees add up to those of the trades, to the last digit."""
    buyer, seller, symbol = new_trader(), new_trader(), new_symbol(tick_size="0.0001")
    for _ in range(12):
        price = Decimal(100000 + rng.randint(1, 99)) / 10000
        place(seller, symbol, "sell", rng.randint(1, 5), price, time_in_force="gtc")
    bought = [place(buyer, symbol, "buy", 4, "10.0100", time_in_force="ioc") for _ in range(4)]

    def done() -> list[dict] | None:
        orders = [buyer.order(order_id) for order_id in bought]
        over = all(order["status"] in {"filled", "cancelled"} for order in orders)
        return orders if over else None

    orders = until(done, message="the purchases are over")
    worth = defaultdict(Decimal)
    for trade in trades_in(executions_of(platform, symbol)):
        worth[trade.buy_order_id] += trade.price.amount * trade.quantity.amount
    assert worth
    for order in orders:
        value = worth[order["order_id"]]
        assert Decimal(order["fees"]) == value * Decimal("0.00005")
        if value:
            average = (value / Decimal(order["filled_quantity"])).quantize(Decimal("0.00000001"))
            assert Decimal(order["average_price"]) == average
