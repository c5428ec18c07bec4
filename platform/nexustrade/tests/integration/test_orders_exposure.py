"""The exposure limit against orders that arrive at the same moment, through the gateway."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest
from support.burst import in_flight
from support.client import Trader
from support.race import held_row
from support.risk_desk import statuses

pytestmark = pytest.mark.services("gateway", "orders", "risk")


def submit_together(platform, trader: Trader, symbol: str, *, count: int, quantity: str, price: str):
    """Sends orders of which none goes on before all have reached the limit's row."""
    with held_row(platform, trader.account_id) as row:
        calls = [lambda: trader.submit(symbol, "buy", quantity, price)] * count
        with in_flight(calls) as futures:
            row.release_when_settled(count)
        return [future.result() for future in futures]


def accepted(responses: list[httpx.Response]) -> list[httpx.Response]:
    return [response for response in responses if response.status_code == 201]


def test_five_orders_at_once_stop_at_the_limit(platform, new_trader, new_symbol) -> None:
    """Of five orders of 30,000 against a limit of 100,000 exactly three are accepted."""
    trader, symbol = new_trader(limit="100000"), new_symbol()
    responses = submit_together(platform, trader, symbol, count=5, quantity="300", price="100.00")
    assert statuses(responses) == {201: 3, 409: 2}
    assert trader.limit()["used"] == "90000"


def test_fifteen_orders_at_once_fill_what_is_left_of_a_limit(platform, new_trader, new_symbol) -> None:
    """With 42 of 50 million in use, eight orders of one million fit, however many arrive together."""
    trader, symbol = new_trader(limit="50000000", used="42000000"), new_symbol()
    responses = submit_together(platform, trader, symbol, count=15, quantity="10000", price="100.00")
    assert len(accepted(responses)) == 8
    assert trader.limit()["used"] == "50000000"


def test_refused_orders_are_kept_and_hold_nothing(platform, new_trader, new_symbol) -> None:
    """An order that found no room can be read as rejected, and its reservation holds nothing."""
    trader, symbol = new_trader(limit="1000"), new_symbol()
    responses = submit_together(platform, trader, symbol, count=3, quantity="100", price="9.00")
    refusals = [response.json() for response in responses if response.status_code == 409]
    assert len(refusals) == 2
    for refusal in refusals:
        assert refusal["type"].endswith("/limit-exceeded")
        order = trader.order(refusal["order_id"])
        assert (order["status"], order["reason"]) == ("rejected", "limit-exceeded")
    items = trader.client.get(f"/v1/risk/reservations/{trader.account_id}").json()["items"]
    assert sorted(item["state"] for item in items) == ["active", "refused", "refused"]


def test_accounts_do_not_share_a_limit(platform, new_trader, new_symbol) -> None:
    """While one account's limit is fought over, another account's order goes through."""
    busy, other, symbol = new_trader(limit="1000"), new_trader(limit="1000"), new_symbol()
    with held_row(platform, busy.account_id) as row:
        with in_flight([lambda: busy.submit(symbol, "buy", "10", "10.00")]) as futures:
            response = other.submit(symbol, "buy", "10", "10.00")
            row.release()
        assert futures[0].result().status_code == 201
    assert response.status_code == 201
    assert Decimal(other.limit()["used"]) == 100
