"""How many statements an order costs, and what a page of history makes the database read."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from support.in_service import run_in_service

pytestmark = pytest.mark.services("orders", "risk")

HISTORY = 3000
PAGE = 20


def test_an_accepted_order_costs_four_statements(platform, new_trader) -> None:
    """From submission to acceptance orders sends four statements; the first also reads its instrument."""
    trader = new_trader()
    first, second = run_in_service(
        platform,
        "orders",
        "support.orders_probe:submit_twice",
        account_id=known_account(platform, trader),
        owner_id=trader.user_id,
    )
    assert second <= 4
    assert first <= 5


@pytest.mark.parametrize("price", ["10.00", None])
def test_a_reservation_costs_a_handful_of_statements(platform, new_trader, new_symbol, price) -> None:
    """A limit order takes at most three statements in risk, a market order one more for its price."""
    trader, symbol = new_trader(), new_symbol()
    if price is None:
        platform.sql(
            "orders_db",
            "INSERT INTO risk_lastprice (symbol, price, epoch, sequence, traded_at)"
            " VALUES (%s, 1, 0, 1, now())",
            (symbol,),
        )
    statements = run_in_service(
        platform,
        "risk",
        "support.risk_probe:reserve",
        account_id=trader.account_id,
        symbol=symbol,
        price=price,
    )
    assert len(statements) <= (3 if price else 4), statements


@pytest.fixture(scope="module")
def long_history(platform) -> str:
    """An account with thousands of orders among as many of others."""
    # A quarter of its orders is of the rare kind: so many that PostgreSQL expects more of them than a page
    # shows, also when it takes account and kind for independent and the platform holds many other orders.
    account_id = str(uuid.uuid4())
    platform.sql(
        "orders_db",
        """
        INSERT INTO orders_order (order_id, account_id, owner_id, idempotency_key, request_digest, symbol,
            side, order_type, time_in_force, price, quantity, filled_quantity, filled_value, status,
            created_at, updated_at)
        SELECT gen_random_uuid()::text, CASE WHEN n %% 2 = 0 THEN %s ELSE gen_random_uuid()::text END,
            CASE WHEN n %% 2 = 0 THEN %s ELSE gen_random_uuid()::text END,
            md5(n::text || %s), '', CASE WHEN n %% 8 = 0 THEN 'RARE' ELSE 'AAPL' END, 'buy', 'limit', 'day',
            1, 1, 0, 0, CASE WHEN n %% 8 = 0 THEN 'filled' ELSE 'rejected' END,
            now() - make_interval(secs => n), now()
        FROM generate_series(1, %s) AS n
        """,
        (account_id, account_id, account_id, 2 * HISTORY),
    )
    platform.sql(
        "orders_db",
        "INSERT INTO orders_accountref (account_id, owner_id, status, synced_at)"
        " VALUES (%s, %s, 'open', now())",
        (account_id, account_id),
    )
    platform.sql("orders_db", "ANALYZE orders_order")
    return account_id


def test_a_page_deep_in_the_history_costs_what_the_first_one_does(platform, long_history) -> None:
    """Every page is one statement that reads as many rows as it shows, and one that asks whose it is."""
    costs = run_in_service(
        platform,
        "orders",
        "support.orders_probe:page_costs",
        account_id=long_history,
        owner_id=long_history,
        depths=[0, HISTORY // 2],
        limit=PAGE,
    )
    assert [cost["orders"] for cost in costs] == [PAGE, PAGE]
    assert [cost["statements"] for cost in costs] == [2, 2]
    for cost in costs:
        scans = [node for node in nodes(cost["plan"]) if "Scan" in node["Node Type"]]
        read = sum(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in scans)
        assert read <= 2 * PAGE, cost["plan"]
    buffers = [cost["plan"]["Shared Hit Blocks"] + cost["plan"]["Shared Read Blocks"] for cost in costs]
    assert buffers[1] <= 2 * buffers[0] + 10


@pytest.mark.parametrize(
    ("filters", "statements"),
    [
        ({"symbol": "RARE", "account_id": True}, 2),
        ({"status": "filled", "account_id": True}, 2),
        ({}, 1),
    ],
)
def test_a_narrowed_history_reads_what_it_shows(platform, long_history, filters, statements) -> None:
    """A page by symbol, by status, or of everything of one's own reads no rows that it does not show."""
    named = {name: long_history if value is True else value for name, value in filters.items()}
    (cost,) = run_in_service(
        platform,
        "orders",
        "support.orders_probe:page_costs",
        owner_id=long_history,
        depths=[0],
        limit=PAGE,
        **named,
    )
    assert (cost["orders"], cost["statements"]) == (PAGE, statements)
    scans = [node for node in nodes(cost["plan"]) if "Scan" in node["Node Type"]]
    read = sum(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in scans)
    assert read <= 2 * PAGE, cost["plan"]


@pytest.mark.parametrize("legs", [2, 8])
def test_a_spread_costs_one_question_and_two_statements_a_leg(platform, legs) -> None:
    """However many legs, risk is asked once, and each leg is written and decided in a statement each."""
    cost = run_in_service(platform, "orders", "support.orders_scenarios:spread_cost", legs=legs)
    assert cost["questions"] == 1
    assert cost["statements"] <= 2 * legs + 3, cost


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def known_account(platform, trader) -> str:
    """The trader's account, noted in the tables of orders as users' event would have it."""
    platform.sql(
        "orders_db",
        "INSERT INTO orders_accountref (account_id, owner_id, status, synced_at)"
        " VALUES (%s, %s, 'open', now()) ON CONFLICT DO NOTHING",
        (trader.account_id, trader.user_id),
    )
    return trader.account_id
