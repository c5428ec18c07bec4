"""Spreads, replacements and trading statuses in the hands of those whose they are not."""

from __future__ import annotations

import uuid

import pytest
from support.client import expect

pytestmark = pytest.mark.services("gateway", "orders", "risk")


def spread_of(trader, symbol: str, **fields: str):
    legs = [trader.leg(symbol, "buy", "1", "1.00"), trader.leg(symbol, "buy", "2", "1.00")]
    return trader.submit_spread(*legs, **fields)


def test_the_spread_of_another_is_invisible(new_trader, new_symbol) -> None:
    """Another's spread looks as if it did not exist."""
    owner, stranger, symbol = new_trader(cash="0"), new_trader(cash="0"), new_symbol()
    spread_id = expect(spread_of(owner, symbol), 201)["spread_id"]
    theirs = expect(stranger.client.get(f"/v1/spreads/{spread_id}"), 404)
    nowhere = expect(stranger.client.get(f"/v1/spreads/{uuid.uuid4()}"), 404)
    assert theirs["detail"] == nowhere["detail"]
    expect(owner.client.get(f"/v1/spreads/{spread_id}"), 200)


def test_nobody_sends_a_spread_on_the_account_of_another(new_trader, new_symbol) -> None:
    """A spread for another's account is refused and leaves no leg behind."""
    owner, stranger, symbol = new_trader(cash="0"), new_trader(cash="0"), new_symbol()
    answer = spread_of(stranger, symbol, account_id=owner.account_id)
    assert answer.status_code in (403, 404)
    for trader in (owner, stranger):
        assert trader.client.get("/v1/orders").json()["items"] == []


def test_a_leg_names_no_account_of_its_own(new_trader, new_symbol) -> None:
    """A leg that brings an account is refused: the account of a spread is one, and checked."""
    owner, stranger, symbol = new_trader(cash="0"), new_trader(cash="0"), new_symbol()
    legs = [stranger.leg(symbol, "buy", "1", "1.00") | {"account_id": owner.account_id}] * 2
    assert stranger.submit_spread(*legs).status_code == 422
    assert owner.client.get("/v1/orders").json()["items"] == []


def test_the_order_of_another_cannot_be_replaced(new_trader, new_symbol) -> None:
    """Replacing another's order is answered as if there were none, and changes nothing."""
    owner, stranger, symbol = new_trader(cash="0"), new_trader(cash="0"), new_symbol()
    order_id = expect(owner.submit(symbol, "buy", "10", "1.00"), 201)["order_id"]
    used = owner.limit()["used"]
    answer = stranger.client.patch(f"/v1/orders/{order_id}", json={"quantity": "100"})
    assert answer.status_code == 404
    assert (owner.order(order_id)["quantity"], owner.limit()["used"]) == ("10", used)


def test_the_key_of_a_spread_is_its_sender_s(new_trader, new_symbol) -> None:
    """The same key of another trader is another key, and gives away nothing."""
    owner, stranger, symbol = new_trader(cash="0"), new_trader(cash="0"), new_symbol()
    mine = expect(spread_of(owner, symbol, key="shared"), 201)
    theirs = expect(spread_of(stranger, symbol, key="shared"), 201)
    assert mine["spread_id"] != theirs["spread_id"]
    assert theirs["account_id"] == stranger.account_id


@pytest.mark.parametrize("status", ["halted", "closed", "open"])
def test_only_an_operator_sets_the_trading_status(new_trader, new_symbol, status) -> None:
    """A trader cannot halt, close or open a symbol."""
    trader, symbol = new_trader(cash="0"), new_symbol()
    answer = trader.client.put(f"/v1/instruments/{symbol}/status", json={"status": status})
    assert answer.status_code == 403
    assert expect(trader.client.get(f"/v1/instruments/{symbol}/status"), 200)["status"] == "open"


def test_a_spread_cannot_beat_the_limit(new_trader, new_symbol) -> None:
    """Legs that each fit and together do not are refused, and hold nothing."""
    trader, symbol = new_trader(limit="100", cash="0"), new_symbol()
    legs = [trader.leg(symbol, "buy", "60", "1.00"), trader.leg(symbol, "sell", "60", "1.00")]
    expect(trader.submit_spread(*legs), 409)
    states = [order["status"] for order in trader.client.get("/v1/orders").json()["items"]]
    assert states == ["rejected", "rejected"]
    assert trader.limit()["used"] == "0"
