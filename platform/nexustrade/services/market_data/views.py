"""What clients of market data see; prices and quantities are decimal text."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypedDict

from shared.money import Quantity, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.events.types import BookChanged, Level, TradeExecuted

# Volume is counted in integers of this size, so that it can be added up inside Redis without rounding.
VOLUME_LOT: Final = Decimal("0.000000001")


class Quote(TypedDict):
    symbol: str
    bid: str | None
    ask: str | None
    last: str | None
    volume: str
    updated_at: str | None


class LevelView(TypedDict):
    price: str
    quantity: str


class BookView(TypedDict):
    symbol: str
    bids: list[LevelView]
    asks: list[LevelView]
    sequence: int
    updated_at: str | None


class TradeView(TypedDict):
    trade_id: str
    price: str
    quantity: str
    aggressor_side: str
    sequence: int
    executed_at: str


def quote_of(symbol: str, fields: Mapping[bytes, bytes]) -> Quote:
    """The quote in the fields of the stored hash."""
    text = {name.decode(): value.decode() for name, value in fields.items()}
    return Quote(
        symbol=symbol,
        bid=text.get("bid") or None,
        ask=text.get("ask") or None,
        last=text.get("last") or None,
        volume=plain(Quantity.from_lots(int(text.get("volume", "0")), VOLUME_LOT).amount),
        updated_at=text.get("updated_at"),
    )


def empty_quote(symbol: str) -> Quote:
    """The quote of a listed symbol that nobody has ordered yet."""
    return quote_of(symbol, {})


def empty_book(symbol: str) -> BookView:
    return BookView(symbol=symbol, bids=[], asks=[], sequence=0, updated_at=None)


def book_view(event: BookChanged, sequence: int) -> BookView:
    return BookView(
        symbol=event.symbol,
        bids=_levels(event.bids),
        asks=_levels(event.asks),
        sequence=sequence,
        updated_at=event.changed_at.isoformat(),
    )


def trade_view(event: TradeExecuted, sequence: int) -> TradeView:
    return TradeView(
        trade_id=event.trade_id,
        price=plain(event.price.amount),
        quantity=plain(event.quantity.amount),
        aggressor_side=event.aggressor_side,
        sequence=sequence,
        executed_at=event.executed_at.isoformat(),
    )


def _levels(levels: Sequence[Level]) -> list[LevelView]:
    return [LevelView(price=plain(p.amount), quantity=plain(q.amount)) for p, q in levels]
