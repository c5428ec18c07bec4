"""Margin of accounts on the running platform."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from support.client import expect
from support.risk_book import calls_of, cross, deposit, margin_of
from support.wait import until

pytestmark = pytest.mark.services("risk", "orders", "matching", "gateway")


@pytest.fixture
def holder(new_trader, new_symbol):
    """A trader who holds 1,000 shares at 100.00, another who owes them, and the symbol."""
    symbol, holder, other = new_symbol(), new_trader(), new_trader()
    cross(holder, other, symbol, 1000, "100.00")
    return holder, other, symbol


def test_margin_tells_equity_exposure_and_levels(operator, holder) -> None:
    """Collateral plus profit is the equity; the levels are parts of what is held."""
    trader, _, symbol = holder
    deposit(operator, trader.account_id, "40000")
    found = margin_of(trader)
    assert (found["equity"], found["exposure"], found["status"]) == ("40000", "100000", "ok")
    assert (found["initial"], found["maintenance"], found["liquidation"]) == ("50000", "25000", "15000")
    assert found["exposures"] == [{"symbol": symbol, "long": "100000", "short": "0", "net": "100000"}]


@pytest.mark.parametrize(
    ("collateral", "status"),
    [("25000.01", "ok"), ("25000", "call"), ("15000.01", "call"), ("15000", "liquidation")],
)
def test_an_account_exactly_at_a_level_has_reached_it(operator, holder, collateral, status) -> None:
    """A quarter of what is held is a call, three twentieths are a liquidation, one cent more is not."""
    trader, _, _ = holder
    assert deposit(operator, trader.account_id, collateral)["status"] == status
    assert margin_of(trader)["status"] == status


def test_accounts_of_one_owner_cover_each_other(operator, holder, new_trader) -> None:
    """What the second account owes of the symbol takes from what the first one's position needs."""
    trader, _, symbol = holder
    opened = expect(trader.client.post("/v1/accounts", json={"name": "hedge", "currency": "USD"}), 201)
    hedge, buyer = replace(trader, account_id=opened["account_id"]), new_trader()
    deposit(operator, trader.account_id, "13000", cross=True)
    deposit(operator, hedge.account_id, "3000", cross=True)
    assert margin_of(trader)["status"] == "call"
    cross(buyer, hedge, symbol, 800, "100.00")
    for account in (trader, hedge):
        found = margin_of(account)
        assert found["exposures"] == [{"symbol": symbol, "long": "100000", "short": "80000", "net": "20000"}]
        assert (found["maintenance"], found["liquidation"], found["status"]) == ("5000", "3000", "ok")


def test_isolated_accounts_do_not_cover_each_other(operator, holder, new_trader) -> None:
    """Without cross margin each account of an owner stands for itself."""
    trader, _, symbol = holder
    opened = expect(trader.client.post("/v1/accounts", json={"name": "second", "currency": "USD"}), 201)
    second, buyer = replace(trader, account_id=opened["account_id"]), new_trader()
    deposit(operator, trader.account_id, "13000")
    deposit(operator, second.account_id, "900000")
    cross(buyer, second, symbol, 1000, "100.00")
    assert margin_of(trader)["status"] == "liquidation"
    assert margin_of(second)["status"] == "ok"


def test_a_price_that_others_made_opens_and_closes_a_call(operator, holder, new_trader) -> None:
    """Trades of others move the equity: a call is opened, gets worse, and is closed on the way back."""
    trader, _, symbol = holder
    others = new_trader(), new_trader()
    deposit(operator, trader.account_id, "39000")
    assert calls_of(trader) == []
    cross(*others, symbol, 1, "80.00")
    (call,) = until(lambda: calls_of(trader), message="a call is opened")
    assert (call["status"], call["equity"], call["required"]) == ("call", "19000", "20000")
    assert call["closed_at"] is None
    cross(*others, symbol, 1, "70.00")
    until(lambda: calls_of(trader)[0]["status"] == "liquidation", message="the call gets worse")
    cross(*others, symbol, 1, "95.00")
    until(lambda: calls_of(trader)[0]["closed_at"], message="the call is closed")
    assert len(calls_of(trader)) == 1


def test_collateral_closes_a_call(operator, holder) -> None:
    """A call that was met is closed at once; the next one is another."""
    trader, _, _ = holder
    for collateral in ("20000", "60000", "10000"):
        deposit(operator, trader.account_id, collateral)
    latest, first = calls_of(trader)
    assert (latest["status"], latest["closed_at"]) == ("liquidation", None)
    assert (first["status"], bool(first["closed_at"])) == ("call", True)
    assert Decimal(first["equity"]) == 20000


def test_a_call_ends_when_the_account_joins_those_that_cover_it(operator, holder) -> None:
    """The call of an isolated account is over once it is margined with its owner's other accounts."""
    trader, _, _ = holder
    opened = expect(trader.client.post("/v1/accounts", json={"name": "reserve", "currency": "USD"}), 201)
    deposit(operator, opened["account_id"], "90000", cross=True)
    assert deposit(operator, trader.account_id, "20000")["status"] == "call"
    (before,) = calls_of(trader)
    assert before["closed_at"] is None
    assert deposit(operator, trader.account_id, "20000", cross=True)["status"] == "ok"
    assert calls_of(trader) == []
    assert deposit(operator, trader.account_id, "20000")["status"] == "call"
    again, ended = calls_of(trader)
    assert (again["closed_at"], ended["closed_at"] is not None) == (None, True)
