"""Searching and sorting the history of orders."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.client import expect

pytestmark = pytest.mark.services("gateway", "orders")


@pytest.fixture(scope="module")
def history(_shared_market):
    """A trader with seven accepted orders in two symbols and a rejected one, oldest first."""
    trader = _shared_market.new_trader(limit="100000")
    one, other = sorted(_shared_market.new_symbol() for _ in range(2))
    for symbol, quantity in ((one, 3), (other, 1), (one, 7), (other, 7), (one, 2), (other, 5), (one, 1)):
        expect(trader.submit(symbol, "buy", quantity, "1.00"), 201)
    expect(trader.submit(other, "buy", 1_000_000, "1.00"), 409)
    return trader, one, other


def listed(trader, **query):
    return expect(trader.client.get("/v1/orders", params=query), 200)["items"]


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "symbol", "-symbol", "quantity", "-quantity"])
def test_pages_of_each_sorting_hold_every_order_once(history, sort: str) -> None:
    """Page by page, each order comes once, in the order asked for."""
    trader, *_ = history
    found, after = [], None
    while True:
        query = {"sort": sort, "limit": 3} | ({"after": after} if after else {})
        page = expect(trader.client.get("/v1/orders", params=query), 200)
        found += page["items"]
        after = page["next"]
        if after is None:
            break
    column = sort.removeprefix("-")
    read = Decimal if column == "quantity" else str
    keys = [(read(order[column]), order["order_id"]) for order in found]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert len({order["order_id"] for order in found}) == len(found) == 8


def test_a_search_finds_parts_of_symbols(history) -> None:
    """A part of a symbol finds its orders, whatever the case of its letters."""
    trader, one, other = history
    for text in (one[1:], one.lower()):
        assert {order["symbol"] for order in listed(trader, search=text)} == {one}
    assert len(listed(trader, search=other)) == 4


def test_a_search_finds_parts_of_reasons(history) -> None:
    """A part of the reason finds what was rejected for it; with a symbol, both must hold."""
    trader, one, _ = history
    (rejected,) = listed(trader, search="limit-exc")
    assert rejected["status"] == "rejected"
    assert listed(trader, search="limit-exc", symbol=one) == []


SIGNS = {
    "percent": "%",
    "underscore": "_",
    "backslash": "\\",
    "apostrophe": "'",
    "quotation mark": '"',
    "two percents": "%%",
    "placeholder": "%s",
    "percentage": "100%",
    "name": "O'Neil",
    "semicolon": ";",
}


@pytest.mark.parametrize("text", SIGNS.values(), ids=SIGNS)
def test_a_search_takes_signs_for_themselves(history, text: str) -> None:
    """Signs that mean something to a database mean themselves in a search, and find what holds them."""
    trader, *_ = history
    answer = trader.client.get("/v1/orders", params={"search": text})
    assert answer.status_code == 200, answer.text[:300]
    assert answer.json()["items"] == []


@pytest.mark.parametrize("text", ["", "x" * 101, "a\u0000b"])
def test_a_search_without_sense_is_refused(history, text: str) -> None:
    """Nothing, too much and control characters are no text to search for."""
    trader, *_ = history
    problem = expect(trader.client.get("/v1/orders", params={"search": text}), 422)
    assert problem["errors"][0]["field"] == "search"
