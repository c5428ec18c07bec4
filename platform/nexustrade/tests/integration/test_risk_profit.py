"""Live profit and loss on the running platform."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.risk_book import cross, position, profit_of

pytestmark = pytest.mark.services("risk", "orders", "matching", "gateway")


@pytest.fixture
def held(new_trader, new_symbol):
    """A trader who holds 100 shares at 10.00 and has asked for his profit, a seller, and the symbol."""
    symbol, trader, other = new_symbol(), new_trader(), new_trader()
    cross(trader, other, symbol, 100, "10.00")
    assert profit_of(trader)["total_pnl"] == "0"
    return trader, other, symbol


def test_a_price_move_shows_at_once(held, new_trader) -> None:
    """When others trade at 12.00 the 100 shares are worth 200 more, and 300 less at 7.00."""
    trader, other, symbol = held
    for price, total in (("12.00", "200"), ("7.00", "-300")):
        cross(new_trader(), other, symbol, 1, price)
        assert profit_of(trader)["total_pnl"] == total


def test_a_trade_shows_at_once(held) -> None:
    """Selling half at the price paid realises nothing; selling the rest dearer realises its profit."""
    trader, other, symbol = held
    cross(other, trader, symbol, 50, "10.00")
    (shown,) = profit_of(trader)["symbols"]
    assert (shown["quantity"], shown["unrealized_pnl"]) == ("50", "0")
    cross(other, trader, symbol, 50, "11.00")
    found = profit_of(trader)
    assert (found["realized_pnl"], found["unrealized_pnl"]) == ("50", "0")


def test_a_figure_is_that_of_the_positions(held, new_symbol) -> None:
    """Profit by symbol is what the positions show, after each of a row of trades in two symbols."""
    trader, other, symbol = held
    second = new_symbol()
    for traded, price in ((second, "5.00"), (symbol, "10.50"), (second, "4.00")):
        cross(trader, other, traded, 10, price)
        shown = {each["symbol"]: each for each in profit_of(trader)["symbols"]}
        for each in shown.values():
            booked = position(trader, each["symbol"])
            assert each["unrealized_pnl"] == booked["unrealized_pnl"]
            assert each["realized_pnl"] == booked["realized_pnl"]
        total = sum(Decimal(each["unrealized_pnl"]) for each in shown.values())
        assert Decimal(profit_of(trader)["unrealized_pnl"]) == total


def test_a_figure_that_still_holds_is_not_worked_out_again(held) -> None:
    """Between two trades every answer is the same figure, made at the same moment."""
    trader, other, symbol = held
    moments = {profit_of(trader)["as_of"] for _ in range(3)}
    assert len(moments) == 1
    cross(trader, other, symbol, 1, "10.00")
    assert profit_of(trader)["as_of"] not in moments
