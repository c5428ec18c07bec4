"""What an order could reach in the book, without touching it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.matching.executions import SELF_TRADE, UNFILLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.matching.commands import Submit
    from services.matching.order_book import BookSide, PriceLevel


def fill_obstacle(opposite: BookSide, taker: Submit) -> str | None:
    """Why the taker could not be filled completely now; None when it could."""
    levels = list(_within(opposite, taker))
    if sum(level.quantity for level in levels) < taker.quantity:
        return UNFILLED
    left = taker.quantity
    for level in levels:
        for maker in level.orders.values():
            if maker.account_id == taker.account_id:
                return SELF_TRADE
            left -= maker.remaining
            if left <= 0:
                return None
    return UNFILLED


def _within(opposite: BookSide, taker: Submit) -> Iterator[PriceLevel]:
    """The levels within the taker's limit, best first, until they hold what it wants."""
    found = 0
    for level in opposite.best_first():
        if taker.price is not None and level.price * opposite.side < taker.price * opposite.side:
            return
        yield level
        found += level.quantity
        if found >= taker.quantity:
            return
