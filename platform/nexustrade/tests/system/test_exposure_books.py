"""What risk has booked, at every moment of a history and replayed from it."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from decimal import Decimal

import pytest
from support.burst import all_at_once, in_flight
from support.client import Trader, expect
from support.executions import executions_of, trades_in
from support.risk_book import deposit, margin_of, positions_of
from support.wait import until

from services.risk.positions import Holding

pytestmark = pytest.mark.services("gateway", "orders", "risk", "matching")

# One statement sees one moment of the books.
_BOOKS = """
SELECT l.account_id, l.used,
       (SELECT coalesce(sum(open_amount + raised), 0) FROM risk_reservation WHERE account_id = l.account_id)
     + (SELECT coalesce(sum(exposure), 0) FROM risk_position WHERE account_id = l.account_id) AS held
  FROM risk_exposurelimit l WHERE l.account_id = ANY(%s)
"""


def trade(rng: random.Random, traders: list[Trader], symbols: list[str], count: int) -> None:
    """Orders around one price from all traders side by side, every third cancelled again."""

    def work(trader: Trader, choices: random.Random) -> None:
        for _ in range(count):
            side, price = choices.choice(["buy", "sell"]), Decimal(choices.randint(995, 1005)) / 100
            response = trader.submit(choices.choice(symbols), side, choices.randint(1, 40), price)
            order = expect(response, 201, 409)
            if response.status_code == 201 and choices.random() < 0.3:
                expect(trader.client.delete(f"/v1/orders/{order['order_id']}"), 202, 409)

    seeds = [random.Random(rng.random()) for _ in traders]
    all_at_once([lambda t=t, s=s: work(t, s) for t, s in zip(traders, seeds, strict=True)])


def replayed(platform, symbols: list[str]) -> dict[tuple[str, str], Holding]:
    """Positions as the executions on the log make them."""
    books: defaultdict[tuple[str, str], Holding] = defaultdict(Holding)
    for symbol in symbols:
        for each in trades_in(executions_of(platform, symbol)):
            for side, account_id in (("buy", each.buy_account_id), ("sell", each.sell_account_id)):
                books[account_id, symbol] = books[account_id, symbol].traded(
                    side=side, quantity=each.quantity.amount, price=each.price.amount, exposure=Decimal(0)
                )
    return books


def booked(traders: list[Trader]) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Quantity and realised profit of every position."""
    return {
        (trader.account_id, each["symbol"]): (Decimal(each["quantity"]), Decimal(each["realized_pnl"]))
        for trader in traders
        for each in positions_of(trader)
    }


def test_at_every_moment_what_is_used_is_what_is_held(platform, new_trader, new_symbol, rng) -> None:
    """However often the books are looked at while orders come, trade and go, both sides agree."""
    traders, symbols = [new_trader(limit="5000") for _ in range(3)], [new_symbol(), new_symbol()]
    accounts = [trader.account_id for trader in traders]
    history: list[tuple[Decimal, Decimal]] = []
    over = threading.Event()

    def record() -> None:
        while not over.is_set():
            history.extend(
                (row["used"], row["held"]) for row in platform.sql("orders_db", _BOOKS, (accounts,))
            )

    with in_flight([record]):
        try:
            trade(rng, traders, symbols, 10)
        finally:
            over.set()
    assert len(history) > len(traders)
    assert [(used, held) for used, held in history if used != held or used > 5000] == []


def test_the_books_are_what_a_replay_of_the_log_makes(platform, new_trader, new_symbol, rng) -> None:
    """Positions and realised profit of every account are those of its trades on the log, in their order."""
    traders, symbols = [new_trader() for _ in range(3)], [new_symbol()]
    trade(rng, traders, symbols, 12)

    def agree() -> bool:
        wanted = {
            key: (holding.quantity, holding.realized_pnl)
            for key, holding in replayed(platform, symbols).items()
        }
        return bool(wanted) and wanted == booked(traders)

    until(agree, message="risk shows what the log says")


def test_margin_is_neither_made_nor_lost(platform, operator, new_trader, new_symbol, rng) -> None:
    """Whatever is traded, the equity of all who took part is what they deposited."""
    traders, symbols = [new_trader() for _ in range(3)], [new_symbol()]
    for trader in traders:
        deposit(operator, trader.account_id, "1000")
    trade(rng, traders, symbols, 10)

    def conserved() -> bool:
        wanted = {key: holding.quantity for key, holding in replayed(platform, symbols).items()}
        if wanted != {key: quantity for key, (quantity, _) in booked(traders).items()}:
            return False
        return sum(Decimal(margin_of(trader)["equity"]) for trader in traders) == 3000

    until(conserved, message="the equity adds up to what was deposited")
