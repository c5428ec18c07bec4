"""What matching made of the orders of a symbol, once it has seen them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.events import EventEnvelope
from support.client import Trader
from support.executions import executions_of
from support.market import Market
from support.trading import levels, place
from support.wait import until


def history_of(market: Market, trader: Trader, symbol: str, *, mark: str = "0.01") -> list[EventEnvelope]:
    """Everything published about `symbol` after all that was sent before this call has been matched.

    A buy order at `mark`, a price that nobody else uses, tells that matching has come so far.
    """
    place(trader, symbol, "buy", 1, mark, time_in_force="gtc")
    sequence = engine_book(market, symbol, lambda book: (mark, "1") in levels(book["bids"]))["sequence"]

    def complete() -> list[EventEnvelope]:
        history = executions_of(market.platform, symbol)
        return history if history and history[-1].sequence >= sequence else []

    return until(complete, message="everything is published")


def engine_book(market: Market, symbol: str, accept: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The engine's own book of `symbol`, all of it, once there is one and `accept` is true of it."""

    def probe() -> dict[str, Any] | None:
        answer = market.operator.get(f"/v1/matching/books/{symbol}?depth=1000")
        return answer.json() if answer.status_code == 200 and accept(answer.json()) else None

    return until(probe, message=f"the engine's book of {symbol} shows what is expected")


def told(history: list[EventEnvelope], kind: type) -> list[Any]:
    """The payloads of one kind, in order."""
    return [envelope.payload for envelope in history if isinstance(envelope.payload, kind)]
