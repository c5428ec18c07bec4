"""Use cases of orders with a risk desk of the test's choice; called through `run_in_service`."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from services.orders.clients import ExposureRefused
from services.orders.credit import CreditCheckPolicy
from services.orders.queries import orders_page
from services.orders.services import OrderRequest, order_submit
from shared.errors import DeadlineExceeded, NotFound
from shared.security import Identity


class FakeRisk:
    """Answers each call with the next of `answers`: "yes", "timeout", or the reason of a refusal."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)

    def reserve(self, **_order: Any) -> None:
        answer = self._answers.pop(0)
        if answer == "timeout":
            raise DeadlineExceeded("risk did not answer in time")
        if answer != "yes":
            raise ExposureRefused(reason=answer, message="refused")


class NoDirectory:
    """Knows no account."""

    def find(self, *, account_id: str, **_identity: Any) -> dict[str, str]:
        raise NotFound("no such account", account_id=account_id)


def submit(*, account_id: str, owner_id: str, answers: list[str], key: str | None = None) -> dict[str, Any]:
    """Submits one order to a risk desk with those answers; what became of it and the statements it took."""
    request = OrderRequest(
        account_id=account_id,
        symbol="AAPL",
        side="buy",
        order_type="limit",
        time_in_force="day",
        quantity=Decimal(10),
        price=Decimal("1.00"),
    )
    with CaptureQueriesContext(connection) as queries:
        order = order_submit(
            request=request,
            idempotency_key=key or uuid.uuid4().hex,
            identity=Identity(owner_id, permissions=("orders:write",)),
            risk=FakeRisk(*answers),
            directory=NoDirectory(),
            policy=CreditCheckPolicy(),
        )
    return {
        "order_id": order.order_id,
        "status": str(order.status),
        "statements": [query["sql"] for query in queries if not _is_bracket(query["sql"])],
    }


def submit_twice(*, account_id: str, owner_id: str) -> list[int]:
    """How many statements the first and the second order of a process take."""
    orders = [submit(account_id=account_id, owner_id=owner_id, answers=["yes"]) for _ in range(2)]
    return [len(order["statements"]) for order in orders]


def page_costs(
    *, owner_id: str, depths: list[int], limit: int, account_id: str | None = None, **filters: str
) -> list[dict[str, Any]]:
    """What the database does for a page of a history, at each depth (in orders)."""
    identity = Identity(owner_id)
    costs = []
    for depth in depths:
        after = _cursor_at(identity, depth, account_id=account_id, **filters)
        with CaptureQueriesContext(connection) as queries:
            orders, _ = orders_page(
                identity=identity, account_id=account_id, limit=limit, after=after, **filters
            )
        costs.append({"orders": len(orders), "statements": len(queries), "plan": _plan(queries[-1]["sql"])})
    return costs


def _cursor_at(identity: Identity, depth: int, **filters: str | None) -> str | None:
    if not depth:
        return None
    return orders_page(identity=identity, limit=depth, **filters)[1]


def _plan(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql)
        (plan,) = cursor.fetchone()
    return (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


def _is_bracket(sql: str) -> bool:
    return sql.split(None, 1)[0] in {"BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK"}
