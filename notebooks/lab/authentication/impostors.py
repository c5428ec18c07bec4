"""Impostors enter themselves in Consul as one of the house's services, and wait for who believes them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
from IPython.display import HTML

from lab.authentication.listener import KINDS, Listener, certificate, entered
from lab.case import Incident
from lab.errors import LabError
from lab.market import Trader
from lab.riskdesk.common import answered, market_of, waited
from lab.style import coloured, table

#: The service that they play: the gateway calls it for whoever reads his notifications.
PLAYED = "notifications"
#: Reads that are sent once every impostor was tried, and seconds until then at most.
READS, PATIENCE = 20, 60.0
_OK, _UNAVAILABLE = 200, 503


@dataclass(frozen=True, kw_only=True)
class Impostor:
    """One of them: requests that he was sent, how many of these came with a token, callers that left."""

    shown: str
    requests: int
    tokens: int
    turned_away: int


@dataclass(frozen=True, kw_only=True)
class Masquerade:
    """What came of it; `example` is the head of a request that an impostor got, its token cut short."""

    impostors: tuple[Impostor, ...]
    example: str

    @property
    def believed(self) -> list[str]:
        """What was shown by those that were sent anything."""
        return [each.shown for each in self.impostors if each.requests]

    def __str__(self) -> str:
        if not self.believed:
            return "no impostor is sent anything"
        tokens = sum(each.tokens for each in self.impostors)
        return f"{len(self.believed)} of {len(self.impostors)} impostors believed, {tokens} tokens lost"


def masquerade(incident: Incident) -> Masquerade:
    """Has five impostors play one service at once, while a trader reads his notifications."""
    trader = market_of(incident).new_trader(cash="0")
    house = incident.platform.authority
    with tempfile.TemporaryDirectory(prefix="nexus-impostors-") as folder, ExitStack() as stack:
        listeners = []
        for number, kind in enumerate(KINDS):
            own = Path(folder) / str(number)
            own.mkdir()
            listeners.append(stack.enter_context(Listener(certificate(kind, PLAYED, house), own)))
        for each in listeners:
            stack.enter_context(entered(incident.platform, PLAYED, each.port))
        _read_until_tried(trader, listeners)
        for _ in range(READS):
            answered(_read(trader), _OK, _UNAVAILABLE)
    waited(lambda: _read(trader).status_code == _OK, "notifications are read as before")
    return Masquerade(
        impostors=tuple(_described(kind, each) for kind, each in zip(KINDS, listeners, strict=True)),
        example=next((_head(each.heard[0]) for each in listeners if each.heard), ""),
    )


def _read(trader: Trader) -> httpx.Response:
    return trader.client.get("/v1/notifications", params={"account_id": trader.account_id})


def _read_until_tried(trader: Trader, listeners: Sequence[Listener]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not all(each.tried for each in listeners):
        answered(_read(trader), _OK, _UNAVAILABLE)
        if time.monotonic() > deadline:
            raise LabError(f"the gateway has not looked at every instance of {PLAYED} in {PATIENCE:g} s")


def _described(kind: str, listener: Listener) -> Impostor:
    return Impostor(
        shown=kind,
        requests=len(listener.heard),
        tokens=sum(b"authorization: bearer" in request.lower() for request in listener.heard),
        turned_away=listener.turned_away,
    )


def _head(request: bytes) -> str:
    lines = request.decode("latin-1").split("\r\n\r\n")[0].splitlines()
    return "\n".join(line if len(line) < 70 else f"{line[:66]} …" for line in lines)


def seen(run: Masquerade) -> HTML:
    """A row for each impostor, with what he was sent."""
    rows = [
        (
            each.shown,
            each.requests,
            each.tokens,
            each.turned_away,
            coloured("not believed" if not each.requests else "BELIEVED", good=not each.requests),
        )
        for each in run.impostors
    ]
    heads = ("certificate", "requests sent to him", "with a token", "callers that left", "")
    return table(heads, rows, caption=f"Played: {PLAYED}")
