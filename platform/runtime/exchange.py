"""The exchange feed of a running platform: what was asked of it, and ways to make it fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.errors import NotSupported

if TYPE_CHECKING:
    from runtime.backends import Backend


class ExchangeHandle:
    """The feed from which market data asks quotes, books and candles.

    Kinds are "quotes", "books" and "candles". What was told to it holds until `heal`.
    """

    def __init__(self, backend: Backend, url: str) -> None:
        self._backend = backend
        self.url = url

    def calls(self, symbol: str | None = None, kind: str | None = None) -> int:
        """How often it was asked, in all or for one symbol or kind; refused calls count too."""
        return int(self._call("calls", symbol=symbol, kind=kind))

    def log(self, since: float = 0.0) -> list[tuple[float, str, str, int]]:
        """(Unix seconds, kind, symbol, status) of each answer after `since`, oldest first."""
        return [tuple(line) for line in self._call("log", since=since)]

    def waiting(self) -> int:
        """How many calls have no answer yet."""
        return int(self._call("waiting"))

    def pace(self, *, lanes: int = 8, latency_ms: float = 20.0, queue: int = 256) -> None:
        """Answers `lanes` calls at a time, each after `latency_ms`; `queue` more wait, others get 429."""
        self._call("pace", lanes=lanes, latency_ms=latency_ms, queue=queue)

    def late(self, ms: float) -> None:
        """Each answer comes `ms` milliseconds later; 0 ends it."""
        self._call("late", ms=ms)

    def refuse(self, status: int = 503) -> None:
        """Every call is answered with this status."""
        self._call("refuse", status=status)

    def flood(self, kib: int = 4096) -> None:
        """Each answer carries so many KiB that nobody asked for; 0 ends it."""
        self._call("flood", kib=kib)

    def hold(self) -> None:
        """Calls are taken and not answered; what they will be told is what was true when they came."""
        self._call("hold")

    def release(self) -> None:
        """Ends `hold`: those who wait are answered."""
        self._call("release")

    def correct(self, symbol: str, **fields: str) -> None:
        """Quotes of `symbol` show these fields from now on, such as previous_close="101.50"."""
        self._call("correct", symbol=symbol, fields=fields)

    def heal(self) -> None:
        """Ends all that was told to it; corrections stay, and so does its pace."""
        self._call("heal")

    def _call(self, name: str, /, **arguments: Any) -> Any:
        if self._backend.name != "embedded" or self._backend.seat is None:
            raise NotSupported("Looking into the exchange feed", self._backend.name)
        from runtime.infra.exchange_feed import ExchangeFeed

        return ExchangeFeed(self._backend.seat / "consul").call(name, **arguments)
