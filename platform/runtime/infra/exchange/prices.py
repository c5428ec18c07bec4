"""What the exchange says about a symbol: a function of the seed, the symbol and the second."""

import math
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

LEVELS = 10
BAR_SECONDS = 60
_DAY_SECONDS = 86_400
_WAVE_SECONDS = 900


class Prices:
    """Quotes, books and bars; prices and quantities are decimal text, moments ISO 8601 in UTC."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def quote(self, symbol: str, second: int) -> dict[str, Any]:
        """The best prices of all venues, with what the day has been so far."""
        last, opened = self._cents(symbol, second), self._cents(symbol, _day(second))
        spread = 1 + self._draw(symbol, "spread", second) % 4
        return {
            "symbol": symbol,
            "bid": _text(last - spread),
            "ask": _text(last + spread),
            "last": _text(last),
            "previous_close": _text(self._cents(symbol, _day(second) - 1)),
            "open": _text(opened),
            "high": _text(max(last, opened) + spread),
            "low": _text(min(last, opened) - spread),
            "volume": str(100 * (second - _day(second) + 1)),
            "as_of": _moment(second),
        }

    def book(self, symbol: str, second: int) -> dict[str, Any]:
        """The best levels of both sides."""
        last = self._cents(symbol, second)
        return {
            "symbol": symbol,
            "bids": [self._level(symbol, second, last - step) for step in range(1, LEVELS + 1)],
            "asks": [self._level(symbol, second, last + step) for step in range(1, LEVELS + 1)],
            "as_of": _moment(second),
        }

    def candles(self, symbol: str, second: int, limit: int) -> dict[str, Any]:
        """The last `limit` minutes that are over, oldest first."""
        end = second - second % BAR_SECONDS
        starts = range(end - limit * BAR_SECONDS, end, BAR_SECONDS)
        return {
            "symbol": symbol,
            "items": [self._bar(symbol, start) for start in starts],
            "as_of": _moment(second),
        }

    def _bar(self, symbol: str, start: int) -> dict[str, Any]:
        seen = [self._cents(symbol, start + offset) for offset in (0, 15, 30, 45, BAR_SECONDS - 1)]
        return {
            "start": _moment(start),
            "open": _text(seen[0]),
            "high": _text(max(seen)),
            "low": _text(min(seen)),
            "close": _text(seen[-1]),
            "volume": str(100 * (1 + self._draw(symbol, "volume", start) % 500)),
        }

    def _level(self, symbol: str, second: int, cents: int) -> dict[str, str]:
        quantity = 100 * (1 + self._draw(symbol, f"level {cents}", second) % 20)
        return {"price": _text(cents), "quantity": str(quantity)}

    def _cents(self, symbol: str, second: int) -> int:
        """A base of 20 to 500 dollars, a slow wave of two percent, and a little noise."""
        base = 2_000 + self._draw(symbol, "base", 0) % 48_000
        phase = self._draw(symbol, "phase", 0) % _WAVE_SECONDS
        wave = math.sin(2 * math.pi * (second + phase) / _WAVE_SECONDS)
        noise = self._draw(symbol, "noise", second) % 11 - 5
        return round(base * (1 + 0.02 * wave)) + noise

    def _draw(self, symbol: str, what: str, number: int) -> int:
        digest = blake2b(f"{self._seed} {symbol} {what} {number}".encode(), digest_size=6).digest()
        return int.from_bytes(digest, "big")


def _day(second: int) -> int:
    return second - second % _DAY_SECONDS


def _text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _moment(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()
