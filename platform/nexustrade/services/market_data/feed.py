"""The use cases that lean on the exchange feed: show a quote, the depth or candles, and forget them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from services.market_data.services import message
from shared.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.market_data.instruments import Listing
    from services.market_data.source import ExchangeFeed
    from shared.cache import ReadThrough

KINDS: Final = ("quotes", "books", "candles")


class FeedService:
    """Shows what the feed says, from a cache for each kind.

    `publish(symbol, message)` hands a quote that was just loaded to the streaming clients. Each answer tells
    in `stale` whether it is older than it should be, because the feed is late or away.
    """

    def __init__(
        self,
        source: ExchangeFeed,
        caches: Mapping[str, ReadThrough[dict[str, Any]]],
        *,
        listing: Listing,
        publish: Callable[[str, str], object],
        now: Callable[[], float],
    ) -> None:
        self._ask = {"quotes": source.quote, "books": source.book, "candles": source.candles}
        self._caches = caches
        self._listing = listing
        self._publish = publish
        self._now = now

    async def quote_show(self, symbol: str) -> dict[str, Any]:
        """The quote of all venues; NotFound for a symbol that is not listed.

        DependencyUnavailable, here and below, when the feed gives no answer and none is kept.
        """
        return await self._show("quotes", symbol)

    async def depth_show(self, symbol: str, *, depth: int) -> dict[str, Any]:
        """The best `depth` levels of both sides."""
        book = await self._show("books", symbol)
        return {**book, "bids": book["bids"][:depth], "asks": book["asks"][:depth]}

    async def candles_list(self, symbol: str, *, limit: int) -> dict[str, Any]:
        """The last `limit` minutes, oldest first."""
        candles = await self._show("candles", symbol)
        return {**candles, "items": candles["items"][-limit:]}

    async def symbol_forget(self, symbol: str) -> None:
        """What is kept of the symbol is not shown again, after a correction for example."""
        for kind in KINDS:
            await self._caches[kind].invalidate(f"{kind}:{symbol}")

    async def _show(self, kind: str, symbol: str) -> dict[str, Any]:
        if not self._listing.may_be_listed(symbol):
            raise NotFound(f"no market for {symbol}", symbol=symbol)
        entry = await self._caches[kind].get(f"{kind}:{symbol}", partial(self._load, kind, symbol))
        return {**entry.value, "stale": not entry.is_fresh(self._now())}

    async def _load(self, kind: str, symbol: str) -> dict[str, Any]:
        if not await asyncio.to_thread(self._listing.confirm, symbol):
            raise NotFound(f"no market for {symbol}", symbol=symbol)
        answer = await self._ask[kind](symbol)
        if kind == "quotes":
            self._publish(symbol, message("consolidated", symbol, 0, answer))
        return answer
