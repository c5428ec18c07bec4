"""Value at risk, and its limit, on the running platform."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.client import expect
from support.risk_book import cross, import_closes

from shared import clock

pytestmark = pytest.mark.services("risk", "orders", "matching", "gateway")

QUIET = ["100.00", "100.50"] * 7
EXTREME = [*QUIET, "0.000000000000000001", "100000000000000000", "100.00"]


def bound(operator, trader, limit: str | None) -> None:
    expect(operator.put(f"/v1/risk/var/{trader.account_id}", json={"limit": limit}), 204)


def var_of(trader, **terms: object) -> dict:
    return expect(trader.client.get(f"/v1/risk/var/{trader.account_id}", params=terms), 200)


@pytest.fixture
def short(new_trader, new_symbol):
    """A trader who owes 100 shares at 100.00, another who holds them, and the symbol."""
    symbol, trader, other = new_symbol(), new_trader(), new_trader()
    cross(other, trader, symbol, 100, "100.00")
    return trader, other, symbol


def test_value_at_risk_is_read_from_the_history(operator, short) -> None:
    """One day of plus half a percent is 50 dollars on 10,000; terms can be chosen."""
    trader, other, symbol = short
    import_closes(operator, symbol, QUIET)
    found = var_of(trader, horizon=1)
    assert (found["value_at_risk"], found["expected_shortfall"]) == ("50.00", "50.00")
    assert (found["confidence"], found["horizon_days"], found["limit"]) == ("0.99", 1, None)
    assert Decimal(var_of(trader)["value_at_risk"]) > 500
    assert Decimal(var_of(other, horizon=1)["value_at_risk"]) < 50


def test_an_order_beyond_the_limit_of_the_value_at_risk_is_refused(operator, short) -> None:
    """What the account would have at risk with the order counts, and an order that lowers it fits."""
    trader, _, symbol = short
    import_closes(operator, symbol, QUIET)
    bound(operator, trader, "600")
    refused = trader.submit(symbol, "sell", 100, "100.00")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("/limit-exceeded")
    assert trader.submit(symbol, "sell", 10, "100.00").status_code == 201
    assert trader.submit(symbol, "buy", 10, "90.00").status_code == 201
    bound(operator, trader, None)
    assert trader.submit(symbol, "sell", 100, "100.00").status_code == 201


def test_an_extreme_day_in_the_history_lets_no_order_through(operator, short) -> None:
    """After an import with a price in the wrong unit, the figure is a number and the limit holds."""
    trader, _, symbol = short
    import_closes(operator, symbol, EXTREME)
    bound(operator, trader, "50000")
    found = var_of(trader)
    assert Decimal(found["value_at_risk"]).is_finite()
    assert Decimal(found["value_at_risk"]) > 10**100
    assert trader.submit(symbol, "sell", 1, "100.00").status_code == 409
    assert trader.limit()["used"] == "10000"


def test_without_a_history_a_bounded_account_cannot_add_risk(operator, short) -> None:
    """What cannot be measured is refused, with a word on which symbol lacks closes; nothing is held."""
    trader, _, symbol = short
    bound(operator, trader, "50000")
    refused = trader.submit(symbol, "sell", 1, "100.00")
    assert refused.status_code in (409, 422)
    problem = expect(trader.client.get(f"/v1/risk/var/{trader.account_id}"), 422)
    assert (problem["type"].rpartition("/")[2], problem["symbol"]) == ("no-price-history", symbol)
    assert trader.limit()["used"] == "10000"


def test_trades_write_the_close_of_their_day_and_imports_prevail(platform, operator, short) -> None:
    """The last trade is the day's close until an official one comes, which later trades leave alone."""
    trader, other, symbol = short
    path = f"/v1/risk/closes/{symbol}"
    (today,) = expect(trader.client.get(path), 200)["closes"]
    assert (today["price"], today["official"]) == ("100", False)
    query = "SELECT traded_at FROM risk_lastprice WHERE symbol = %s"
    (traded,) = platform.sql("orders_db", query, (symbol,))
    assert today["day"] == clock.trading_date(traded["traded_at"]).isoformat()
    cross(other, trader, symbol, 1, "101.00")
    assert expect(trader.client.get(path), 200)["closes"][0]["price"] == "101"
    official = {"closes": [{"day": today["day"], "price": "99.5"}]}
    expect(operator.put(path, json=official), 200)
    cross(other, trader, symbol, 1, "102.00")
    (found,) = expect(trader.client.get(path), 200)["closes"]
    assert (found["price"], found["official"]) == ("99.5", True)
