"""Use cases of risk, counted; called through `run_in_service`."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from services.risk.batches import exposure_reserve_together
from services.risk.dependencies import dependencies
from services.risk.orders import OrderToReserve
from services.risk.pnl import ProfitCache
from services.risk.profits import profit_get
from services.risk.services import exposure_reserve
from services.risk.value_at_risk import closes_import, var_limit_set

BRACKETS = {"BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"}


def reserve(*, account_id: str, symbol: str, price: str | None) -> list[str]:
    """Reserves once and returns the statements that it took."""
    with CaptureQueriesContext(connection) as queries:
        order = OrderToReserve(
            order_id=str(uuid.uuid4()),
            account_id=account_id,
            symbol=symbol,
            side="buy",
            quantity=Decimal(10),
            price=Decimal(price) if price else None,
        )
        exposure_reserve(order=order, policy=dependencies().policy)
    return [query["sql"] for query in queries if query["sql"].split(None, 1)[0] not in BRACKETS]


def reserve_batches(*, account_id: str, sizes: list[int]) -> list[int]:
    """How many statements batches of those sizes take."""
    return [len(_statements(lambda size=size: _reserve_batch(account_id, size))) for size in sizes]


def read_profits(*, account_id: str, times: int) -> dict[str, Any]:
    """How many statements each reading of the account's profit takes, and how the cache fared."""
    cache = ProfitCache(10)
    counts = [len(_statements(lambda: profit_get(account_id=account_id, cache=cache))) for _ in range(times)]
    return {"statements": counts, "hits": cache.hits, "misses": cache.misses}


def _reserve_batch(account_id: str, size: int) -> None:
    orders = [
        OrderToReserve(
            order_id=str(uuid.uuid4()),
            account_id=account_id,
            symbol="AAPL",
            side="buy",
            quantity=Decimal(1),
            price=Decimal(1),
        )
        for _ in range(size)
    ]
    exposure_reserve_together(orders=orders, policy=dependencies().policy)


def _statements(work: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        work()
    return [query["sql"] for query in queries if query["sql"].split(None, 1)[0] not in BRACKETS]


def reserve_bounded(*, account_id: str, symbol: str) -> list[list[str]]:
    """The statements of an order of the account without and with a limit of its value at risk."""
    days = [(date(2026, 1, 5) + timedelta(days=number), Decimal(100)) for number in range(12)]
    closes_import(symbol=symbol, closes=days)
    found = []
    for limit in (None, Decimal(1000)):
        var_limit_set(account_id=account_id, max_var=limit)
        found.append(reserve(account_id=account_id, symbol=symbol, price="1"))
    return found
