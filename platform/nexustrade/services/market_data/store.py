"""What market data keeps in Redis: quote, book, last trades and the day's volume of every symbol.

All keys of a symbol share one hash tag, so an event is applied in one atomic call:

  market:{ACME}:quote    hash   bid, ask, last, volume (billionths of a share) and its day, updated_at,
                                sequence, epoch
  market:{ACME}:book     text   the last book as JSON
  market:{ACME}:trades   list   trades as JSON, latest first

`sequence` and `epoch` are those of the last event applied. An event is applied once, in order, and never when
its epoch is older than what was already seen: its sender had lost the lead.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from services.market_data.views import BookView, Quote, TradeView, quote_of

if TYPE_CHECKING:
    from redis import Redis

# Trades kept per symbol.
KEPT_TRADES: Final = 1000

_ACCEPT = """
local epoch, sequence = tonumber(ARGV[1]), tonumber(ARGV[2])
local seen = redis.call('HMGET', KEYS[1], 'epoch', 'sequence')
if epoch < tonumber(seen[1] or '0') or sequence <= tonumber(seen[2] or '0') then return false end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'sequence', ARGV[2], 'updated_at', ARGV[3])
"""

_APPLY_BOOK = (
    _ACCEPT
    + """
redis.call('SET', KEYS[2], ARGV[4])
redis.call('HSET', KEYS[1], 'bid', ARGV[5], 'ask', ARGV[6])
return redis.call('HGETALL', KEYS[1])
"""
)

_APPLY_TRADE = (
    _ACCEPT
    + """
redis.call('LPUSH', KEYS[2], ARGV[4])
redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[8]) - 1)
if redis.call('HGET', KEYS[1], 'day') ~= ARGV[7] then
  redis.call('HSET', KEYS[1], 'day', ARGV[7], 'volume', 0)
end
redis.call('HINCRBY', KEYS[1], 'volume', ARGV[6])
redis.call('HSET', KEYS[1], 'last', ARGV[5])
return redis.call('HGETALL', KEYS[1])
"""
)


class MarketStore:
    """Applies events and reads views. Every call is one round trip to Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._apply_book = redis.register_script(_APPLY_BOOK)
        self._apply_trade = redis.register_script(_APPLY_TRADE)

    def book_apply(
        self, symbol: str, *, epoch: int, sequence: int, moment: datetime, book: BookView
    ) -> Quote | None:
        """Replace the book; returns the quote afterwards, None when the event is old or a repetition."""
        bid = book["bids"][0]["price"] if book["bids"] else ""
        ask = book["asks"][0]["price"] if book["asks"] else ""
        changed = self._apply_book(
            keys=[_key(symbol, "quote"), _key(symbol, "book")],
            args=[epoch, sequence, _stamp(moment), json.dumps(book), bid, ask],
        )
        return quote_of(symbol, _pairs(changed)) if changed else None

    def trade_apply(
        self,
        symbol: str,
        *,
        epoch: int,
        sequence: int,
        moment: datetime,
        day: str,
        lots: int,
        trade: TradeView,
    ) -> Quote | None:
        """Add a trade of `lots` billionths on the trading date `day`; the answer is that of `book_apply`."""
        changed = self._apply_trade(
            keys=[_key(symbol, "quote"), _key(symbol, "trades")],
            args=[
                epoch,
                sequence,
                _stamp(moment),
                json.dumps(trade),
                trade["price"],
                lots,
                day,
                KEPT_TRADES,
            ],
        )
        return quote_of(symbol, _pairs(changed)) if changed else None

    def quote(self, symbol: str) -> Quote | None:
        """The quote; None for a symbol of which nothing is known."""
        fields = self._redis.hgetall(_key(symbol, "quote"))
        return quote_of(symbol, fields) if fields else None

    def book(self, symbol: str) -> BookView | None:
        """The last book, as deep as it was published; None when there was none yet."""
        stored = self._redis.get(_key(symbol, "book"))
        return json.loads(stored) if stored else None

    def trades(self, symbol: str, limit: int) -> list[TradeView]:
        """The latest trades, latest first."""
        return [json.loads(row) for row in self._redis.lrange(_key(symbol, "trades"), 0, limit - 1)]


def _key(symbol: str, name: str) -> str:
    return f"market:{{{symbol}}}:{name}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _pairs(flat: list[Any]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
