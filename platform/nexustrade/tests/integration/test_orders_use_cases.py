"""The use cases of orders against the real database, with a risk desk that answers as told."""

from __future__ import annotations

import uuid

import pytest
from support.in_service import run_in_service
from support.wait import until

pytestmark = pytest.mark.services("orders")


@pytest.fixture
def owner(platform, new_trader) -> dict[str, str]:
    """A trader whose account the orders service knows."""
    trader = new_trader(cash="0")
    query = "SELECT 1 FROM orders_accountref WHERE account_id = %s"
    until(lambda: platform.sql("orders_db", query, (trader.account_id,)), message="orders knows the account")
    return {"account_id": trader.account_id, "owner_id": trader.user_id}


def submitted(platform, owner, *answers: str, **arguments: str) -> dict:
    return run_in_service(
        platform, "orders", "support.orders_probe:submit", answers=answers, **owner, **arguments
    )


@pytest.mark.parametrize(
    ("answer", "status"),
    [("yes", "accepted"), ("limit-exceeded", "rejected"), ("timeout", "pending")],
)
def test_the_answer_of_risk_decides_the_order(platform, owner, answer, status) -> None:
    """Yes accepts and a refusal rejects; a time-out decides nothing and must not count as a refusal."""
    assert submitted(platform, owner, answer)["status"] == status


def test_an_order_without_an_answer_is_taken_up_again(platform, owner) -> None:
    """The running service asks risk again for an order that its first process left undecided."""
    key = uuid.uuid4().hex
    order_id = submitted(platform, owner, "timeout", key=key)["order_id"]
    query = "UPDATE orders_order SET check_due_at = created_at - interval '1 minute' WHERE order_id = %s"
    platform.sql("orders_db", query, (order_id,))

    def status() -> bool:
        rows = platform.sql("orders_db", "SELECT status FROM orders_order WHERE order_id = %s", (order_id,))
        return rows[0]["status"] == "accepted"

    until(status, message="the order is accepted")
