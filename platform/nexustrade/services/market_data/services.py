"""The use cases of market data: apply an event, show a quote, a book or the last trades."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from services.market_data.store import KEPT_TRADES
from services.market_data.views import (
    VOLUME_LOT,
    book_view,
    empty_book,
    empty_quote,
    trade_view,
)
from shared.cache import TTLCache
from shared.clock import trading_date
from shared.errors import NotFound
from shared.events.types import BookChanged, TradeExecuted
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.market_data.store import MarketStore
    from services.market_data.views import BookView, Quote, TradeView
    from shared.events import EventEnvelope

log = get_logger(__name__)

CACHE_SECONDS: Final = 1.0


class MarketDataService:
    """Keeps the public view of every market up to date.

    `is_listed(symbol)` tells whether an instrument exists; it is asked only for symbols without any event.
    `publish(symbol, message)` hands an update to the streaming clients. Quotes and books are remembered for
    `cache_seconds`, or until the next event of their symbol.
    """

    def __init__(
        self,
        store: MarketStore,
        *,
        is_listed: Callable[[str], bool],
        publish: Callable[[str, str], None],
        cache_seconds: float = CACHE_SECONDS,
    ) -> None:
        self._store = store
        self._quotes: TTLCache[str, Quote | None] = TTLCache(cache_seconds)
        self._books: TTLCache[str, BookView | None] = TTLCache(cache_seconds)
        self._is_listed = is_listed
        self._publish = publish

    def event_apply(self, envelope: EventEnvelope) -> None:
        """Apply a trade or a book; repetitions and events of an overtaken leader change nothing."""
        match envelope.payload:
            case TradeExecuted() as event:
                view, quote = self._trade_apply(envelope, event)
                kind = "trade"
            case BookChanged() as event:
                view, quote = self._book_apply(envelope, event)
                kind = "book"
            case _:
                return
        if quote is None:
            log.info(
                "event_not_applied", symbol=event.symbol, sequence=envelope.sequence, epoch=envelope.epoch
            )
            return
        # After the store has changed: a reader that was still loading the old state does not keep it.
        self._quotes.invalidate(event.symbol)
        self._books.invalidate(event.symbol)
        for name, data in ((kind, view), ("quote", quote)):
            self._publish(event.symbol, message(name, event.symbol, envelope.sequence, data))

    def quote_show(self, symbol: str) -> Quote:
        """The quote; NotFound for a symbol that is not listed."""
        quote = self._quotes.get(symbol, lambda: self._store.quote(symbol))
        if quote is None:
            self._require_listed(symbol)
            return empty_quote(symbol)
        return quote

    def book_show(self, symbol: str, *, depth: int) -> BookView:
        """The best `depth` levels of both sides; NotFound for a symbol that is not listed."""
        book = self._books.get(symbol, lambda: self._store.book(symbol))
        if book is None:
            self._require_listed(symbol)
            return empty_book(symbol)
        return {**book, "bids": book["bids"][:depth], "asks": book["asks"][:depth]}

    def trades_list(self, symbol: str, *, limit: int) -> list[TradeView]:
        """The latest trades, latest first, as many as are kept at most; NotFound as above."""
        trades = self._store.trades(symbol, min(limit, KEPT_TRADES))
        if not trades:
            self.quote_show(symbol)
        return trades

    def snapshot(self, symbol: str) -> str:
        """The first message of a stream: quote and book as they are now; empty ones for unknown symbols."""
        quote = self._store.quote(symbol) or empty_quote(symbol)
        book = self._store.book(symbol) or empty_book(symbol)
        return message("snapshot", symbol, book["sequence"], {"quote": quote, "book": book})

    def _trade_apply(self, envelope: EventEnvelope, event: TradeExecuted) -> tuple[TradeView, Quote | None]:
        view = trade_view(event, envelope.sequence)
        quote = self._store.trade_apply(
            event.symbol,
            epoch=envelope.epoch,
            sequence=envelope.sequence,
            moment=event.executed_at,
            day=trading_date(event.executed_at).isoformat(),
            lots=event.quantity.lots(VOLUME_LOT),
            trade=view,
        )
        return view, quote

    def _book_apply(self, envelope: EventEnvelope, event: BookChanged) -> tuple[BookView, Quote | None]:
        view = book_view(event, envelope.sequence)
        quote = self._store.book_apply(
            event.symbol,
            epoch=envelope.epoch,
            sequence=envelope.sequence,
            moment=event.changed_at,
            book=view,
        )
        return view, quote

    def _require_listed(self, symbol: str) -> None:
        if not self._is_listed(symbol):
            raise NotFound(f"no market for {symbol}", symbol=symbol)


def message(kind: str, symbol: str, sequence: int, data: Any) -> str:
    """A message of the stream: {"type", "symbol", "sequence", "data"} as JSON text."""
    body = {"type": kind, "symbol": symbol, "sequence": sequence, "data": data}
    return json.dumps(body, separators=(",", ":"))
