"""What holds for exposure, positions and fills over a whole history of trading."""

from __future__ import annotations

import random
import threading
from decimal import Decimal

import pytest
from support.burst import all_at_once, in_flight
from support.client import Trader, expect
from support.executions import trades_in
from support.market import Market
from support.matched import history_of, told
from support.race import held_row
from support.trades import fills_of
from support.wait import until

from shared.events.types import OrderCancelled, TradeExecuted

pytestmark = pytest.mark.services("gateway", "orders", "risk", "matching")


def exposure_held(platform, account_id: str) -> Decimal:
    """What open reservations and positions of an account add up to."""
    (row,) = platform.sql(
        "orders_db",
        """
        SELECT (SELECT coalesce(sum(open_amount + raised), 0) FROM risk_reservation WHERE account_id = %(id)s)
             + (SELECT coalesce(sum(exposure), 0) FROM risk_position WHERE account_id = %(id)s) AS held
        """,
        {"id": account_id},
    )
    return Decimal(row["held"])


def all_orders(trader: Trader) -> list[dict]:
    return expect(trader.client.get("/v1/orders", params={"limit": 200}), 200)["items"]


def trade_at_random(rng: random.Random, traders: list[Trader], symbol: str, count: int) -> None:
    """Orders around one price from all traders side by side, and a few cancellations."""

    def work(trader: Trader, choices: random.Random) -> None:
        for _ in range(count):
            side = choices.choice(["buy", "sell"])
            price = Decimal(choices.randint(990, 1010)) / 100
            response = trader.submit(symbol, side, choices.randint(1, 50), price)
            order = expect(response, 201, 409)
            if response.status_code == 201 and choices.random() < 0.3:
                expect(trader.client.delete(f"/v1/orders/{order['order_id']}"), 202, 409)

    seeds = [random.Random(rng.random()) for _ in traders]
    all_at_once([lambda t=t, s=s: work(t, s) for t, s in zip(traders, seeds, strict=True)])


def settled(market: Market, trader: Trader, symbol: str) -> None:
    """Waits until orders and risk have booked all that matching made of what was sent so far."""
    # Published at least once: a message that came twice is one event.
    history = list({each.event_id: each for each in history_of(market, trader, symbol)}.values())
    traded = [each.sequence for each in history if isinstance(each.payload, TradeExecuted)]
    quantity = sum((each.quantity.amount for each in trades_in(history)), Decimal(0))
    gone = [each.order_id for each in told(history, OrderCancelled)]

    def booked() -> bool:
        rows = market.platform.sql(
            "orders_db",
            """
            SELECT (SELECT count(DISTINCT trade_id) FROM orders_fill f JOIN orders_order o USING (order_id)
                     WHERE o.symbol = %(symbol)s) AS booked,
                   (SELECT max(sequence) FROM risk_lastprice WHERE symbol = %(symbol)s) AS priced,
                   (SELECT count(*) FROM orders_order WHERE order_id = ANY(%(gone)s)
                       AND status <> 'cancelled') AS leaving,
                   (SELECT count(*) FROM risk_reservation r JOIN orders_order o USING (order_id)
                     WHERE o.symbol = %(symbol)s AND r.state = 'active'
                       AND o.status IN ('filled', 'cancelled')) AS late,
                   (SELECT coalesce(sum(filled_quantity), 0) FROM orders_order WHERE symbol = %(symbol)s
                       AND side = 'buy') AS bought,
                   (SELECT coalesce(sum(filled_quantity), 0) FROM orders_order WHERE symbol = %(symbol)s
                       AND side = 'sell') AS sold
            """,
            {"symbol": symbol, "gone": gone},
        )[0]
        same = rows["booked"] == len(traded) and rows["priced"] == max(traded, default=None)
        still = not rows["leaving"] and not rows["late"]
        return same and still and rows["bought"] == rows["sold"] == quantity

    until(booked, message="all trades are booked")


def test_exposure_in_use_is_what_is_held(platform, market, new_trader, new_symbol, rng) -> None:
    """After random trading an account's exposure in use equals its open reservations plus its positions."""
    traders, symbol = [new_trader(limit="20000") for _ in range(3)], new_symbol()
    trade_at_random(rng, traders, symbol, 12)
    settled(market, traders[0], symbol)
    for trader in traders:
        limit = trader.limit()
        assert Decimal(limit["used"]) == exposure_held(platform, trader.account_id)
        assert Decimal(limit["available"]) == Decimal(limit["limit"]) - Decimal(limit["used"])


def test_exposure_never_passes_the_limit_in_a_recorded_history(platform, new_trader, new_symbol) -> None:
    """While waves of orders beat against a limit, no moment shows more exposure than it allows."""
    trader, symbol = new_trader(limit="10000"), new_symbol()
    history: list[tuple[Decimal, Decimal]] = []
    over = threading.Event()

    def record() -> None:
        while not over.is_set():
            limit = trader.limit()
            history.append((Decimal(limit["used"]), Decimal(limit["limit"])))

    with in_flight([record]):
        try:
            for _ in range(3):
                wave(platform, trader, symbol)
        finally:
            over.set()
    assert len(history) > 3
    assert [(used, limit) for used, limit in history if used > limit] == []
    assert Decimal(trader.limit()["used"]) <= 10000


def wave(platform, trader: Trader, symbol: str) -> None:
    """Five orders of 3,000 at one moment, then all that were accepted are cancelled."""
    with held_row(platform, trader.account_id) as row:
        with in_flight([lambda: trader.submit(symbol, "buy", "100", "30.00")] * 5) as futures:
            row.release_when_settled(5)
        accepted = [f.result().json()["order_id"] for f in futures if f.result().status_code == 201]
    assert len(accepted) == 3
    for order_id in accepted:
        expect(trader.client.delete(f"/v1/orders/{order_id}"), 202)
    until(lambda: trader.limit()["used"] == "0", message="the wave's exposure is released")


def test_profit_and_loss_sum_to_zero(market, new_trader, new_symbol, rng) -> None:
    """Over all who traded a symbol, shares and profit, realised and not, add up to nothing."""
    traders, symbol = [new_trader() for _ in range(3)], new_symbol()
    trade_at_random(rng, traders, symbol, 12)
    settled(market, traders[0], symbol)
    shares = profit = Decimal(0)
    for trader in traders:
        for position in trader.client.get(f"/v1/risk/positions/{trader.account_id}").json()["positions"]:
            shares += Decimal(position["quantity"])
            profit += Decimal(position["realized_pnl"]) + Decimal(position["unrealized_pnl"])
    assert shares == 0
    assert profit == 0


def test_every_fill_is_booked_on_both_sides_and_once(platform, market, new_trader, new_symbol, rng) -> None:
    """Each trade fills one purchase and one sale, and each order's fills add up to what it shows."""
    traders, symbol = [new_trader() for _ in range(2)], new_symbol()
    trade_at_random(rng, traders, symbol, 15)
    settled(market, traders[0], symbol)
    orders = {order["order_id"]: order for trader in traders for order in all_orders(trader)}
    fills = fills_of(platform, *orders)
    assert fills
    sides: dict[str, list[str]] = {}
    for fill in fills:
        sides.setdefault(fill["trade_id"], []).append(orders[fill["order_id"]]["side"])
    assert all(sorted(each) == ["buy", "sell"] for each in sides.values())
    for order_id, order in orders.items():
        mine = [fill for fill in fills if fill["order_id"] == order_id]
        quantity = sum((fill["quantity"] for fill in mine), Decimal(0))
        assert Decimal(order["filled_quantity"]) == quantity <= Decimal(order["quantity"])
        assert (order["status"] == "filled") == (quantity == Decimal(order["quantity"]))
