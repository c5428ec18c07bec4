"""The feed's HTTP interface, its counters, and what can be told to go wrong with it."""

import asyncio
import contextlib
import re
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from runtime.infra.consul.http import Answer, Request
from runtime.infra.exchange.prices import Prices

LANES, LATENCY_MS, QUEUE = 8, 20.0, 256
_SYMBOL = re.compile(r"[A-Z][A-Z0-9.]{0,11}")
_KINDS = ("quotes", "books", "candles")
_CANDLES, _CANDLES_MAX = 60, 500
# Calls that are remembered with their times; counters know all.
_LOGGED = 50_000


class Feed:
    """Answers GET /v1/quotes/X, /v1/books/X and /v1/candles/X?limit=N.

    What is wrong with it is set from outside: `late_ms` more for each answer, a `status` instead of it,
    `flood_kib` of updates that nobody asked for behind it, or all answers held until `release`. An answer
    tells what was true when it was asked for.
    """

    def __init__(self, prices: Prices, wall_time: Callable[[], float]) -> None:
        self._prices = prices
        self._wall_time = wall_time
        self._calls: Counter[tuple[str, str]] = Counter()
        self._log: deque[tuple[float, str, str, int]] = deque(maxlen=_LOGGED)
        self._corrections: dict[str, dict[str, Any]] = {}
        self._waiting = 0
        self.pace()
        self._open, self._in_time = asyncio.Event(), asyncio.Event()
        self.heal()

    async def handle(self, request: Request) -> Answer:
        """The answer to one request."""
        step, _, rest = request.path.removeprefix("/v1/").partition("/")
        if request.method != "GET" or step not in _KINDS or not _SYMBOL.fullmatch(rest):
            return _problem(404, "there is no such thing here")
        self._calls[step, rest] += 1
        answer = self._answer(step, rest, request.query.get("limit", ""))
        status = await self._serve()
        self._log.append((self._wall_time(), step, rest, status))
        return answer if status == 200 else _problem(status, "not at the moment", retry_after=1)

    async def _serve(self) -> int:
        """Waits as long as an answer takes; the status that it then has."""
        if self._status != 200:
            return self._status
        if self._waiting >= self._queue + self._lanes:
            return 429
        self._waiting += 1
        try:
            async with self._free:
                await asyncio.sleep(self._latency_ms / 1000)
                await self._be_late()
            await self._open.wait()
        finally:
            self._waiting -= 1
        return self._status

    async def _be_late(self) -> None:
        if self._late_ms:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._in_time.wait(), self._late_ms / 1000)

    def _answer(self, kind: str, symbol: str, limit: str) -> Answer:
        second = int(self._wall_time())
        if kind == "quotes":
            content = self._prices.quote(symbol, second) | self._corrections.get(symbol, {})
        elif kind == "books":
            content = self._prices.book(symbol, second)
        else:
            count = int(limit) if limit.isascii() and limit.isdigit() else _CANDLES
            content = self._prices.candles(symbol, second, min(max(count, 1), _CANDLES_MAX))
        if self._flood_kib:
            content |= {"updates": ["." * 1024] * self._flood_kib}
        return Answer(content)

    # -- calls of the control channel -----------------------------------------------------------

    def pace(self, lanes: int = LANES, latency_ms: float = LATENCY_MS, queue: int = QUEUE) -> None:
        """How many calls are answered at a time, after how long, and how many more may wait."""
        self._lanes, self._latency_ms, self._queue = lanes, latency_ms, queue
        self._free = asyncio.Semaphore(lanes)

    def late(self, ms: float) -> None:
        self._in_time.set()  # those who wait are not kept longer for it
        self._in_time = asyncio.Event()
        self._late_ms = ms

    def refuse(self, status: int) -> None:
        self._status = status

    def flood(self, kib: int) -> None:
        self._flood_kib = kib

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def heal(self) -> None:
        self._late_ms, self._status, self._flood_kib = 0.0, 200, 0
        self._in_time.set()
        self._open.set()

    def correct(self, symbol: str, fields: dict[str, Any]) -> None:
        self._corrections[symbol] = fields

    def calls(self, kind: str | None = None, symbol: str | None = None) -> int:
        """Calls so far, refused ones included."""
        return sum(
            count
            for (its_kind, its_symbol), count in self._calls.items()
            if kind in {None, its_kind} and symbol in {None, its_symbol}
        )

    def log(self, since: float = 0.0) -> list[tuple[float, str, str, int]]:
        """(Unix seconds, kind, symbol, status) of the answers after `since`, oldest first."""
        return [line for line in self._log if line[0] > since]

    def waiting(self) -> int:
        """Calls that have no answer yet."""
        return self._waiting


CALLS = (
    "pace", "late", "refuse", "flood", "hold", "release", "heal", "correct", "calls", "log", "waiting",
)  # fmt: skip


def _problem(status: int, detail: str, retry_after: int | None = None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Answer({"status": status, "detail": detail}, status=status, headers=headers)
