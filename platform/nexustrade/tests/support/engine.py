"""A matching engine of a test's own, and orders for it in a few letters."""

from __future__ import annotations

from typing import Any

from services.matching.commands import Submit
from services.matching.engine import MatchingEngine
from services.matching.executions import Execution, Trade, Triggered


def order(order_id: str, side: int, quantity: int, price: int | None, **fields: Any) -> Submit:
    """A good-till-cancelled order of an account of its own, unless told otherwise."""
    return Submit(
        order_id,
        fields.pop("account_id", f"acc-{order_id}"),
        side,
        quantity,
        price,
        **{"time_in_force": "gtc", **fields},
    )


def trades(executions: list[Execution]) -> list[tuple[str, str, int, int]]:
    """(taker, maker, price, quantity) of every trade."""
    return [
        (e.taker_order_id, e.maker_order_id, e.price, e.quantity) for e in executions if isinstance(e, Trade)
    ]


def triggered(executions: list[Execution]) -> list[tuple[str, int]]:
    """(order, price) of every stop that fired."""
    return [(e.order_id, e.price) for e in executions if isinstance(e, Triggered)]


def resting(engine: MatchingEngine) -> list[tuple[str, int, int]]:
    """(order, price, remaining) in queue order."""
    return [(o.order_id, o.price, o.remaining) for o in engine.book.in_queue_order()]


def waiting(engine: MatchingEngine) -> list[tuple[str, int, int]]:
    """(order, stop price, remaining) in order of arrival."""
    return [(o.order_id, o.price, o.remaining) for o in engine.stops.in_arrival_order()]
