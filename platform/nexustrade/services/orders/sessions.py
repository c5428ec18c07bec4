"""Whether an order came while its instrument was traded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.orders.instruments import instrument_terms
from shared.errors import NexusError

if TYPE_CHECKING:
    from services.orders.models import Order

MARKET_CLOSED = "market-closed"


class MarketClosed(NexusError):
    """The order came outside the sessions of its instrument; `opens_at` is when the next one begins."""

    status = 409
    problem_type = MARKET_CLOSED
    title = "The market is closed"


def within_session(order: Order) -> bool:
    """Whether the instrument was traded when the order was submitted, however late it is decided."""
    return instrument_terms(symbol=order.symbol).calendar.is_open(order.created_at)


def next_opening(order: Order) -> str:
    """The opening after the order's submission, in ISO 8601 and UTC."""
    return instrument_terms(symbol=order.symbol).calendar.next_session(order.created_at).opens.isoformat()
