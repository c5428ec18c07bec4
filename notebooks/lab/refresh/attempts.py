"""Calls that must be refused, and how often each of them is put to auth."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx

from lab.case import Incident
from lab.market import ApiClient
from lab.refresh.clients import new_user
from lab.trading.desk import check_running
from lab.trading.panels import plural

ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a client; `moments` are milliseconds from the gateway to each start of it at auth."""

    what: str
    status: int
    trace_id: str
    moments: tuple[float, ...]

    @property
    def attempts(self) -> int:
        return len(self.moments)


@dataclass(frozen=True, kw_only=True)
class Tries:
    """The calls, kind by kind."""

    calls: tuple[Call, ...]

    @property
    def at_auth(self) -> int:
        return sum(call.attempts for call in self.calls)

    @property
    def repeated(self) -> list[Call]:
        """Calls that auth answered more than once."""
        return [call for call in self.calls if call.attempts > 1]

    def __str__(self) -> str:
        return f"{plural(len(self.calls), 'call')} of clients, {self.at_auth} answered by auth"


def tries(incident: Incident, *, rounds: int = ROUNDS) -> Tries:
    """Sends a good log-in and three kinds of calls that auth refuses, each a few times."""
    check_running(incident)
    with closing(ApiClient(incident.market.gateway)) as http:
        user = new_user(incident, http)
        sent = [
            (what, http.post(path, json=body)) for what, path, body in _asked(user) for _ in range(rounds)
        ]
    spans = incident.platform.traces()
    return Tries(calls=tuple(_call(what, answer, spans) for what, answer in sent))


def _asked(user: dict[str, str]) -> tuple[tuple[str, str, dict[str, str]], ...]:
    wrong = user | {"password": user["password"] + "x"}
    again = user | {"email": f"{user['username']}@example.com"}
    return (
        ("right password", "/v1/auth/login", user),
        ("wrong password", "/v1/auth/login", wrong),
        ("unknown refresh token", "/v1/auth/refresh", {"refresh_token": "x" * 43}),
        ("taken user name", "/v1/auth/register", again),
    )


def _call(what: str, answer: httpx.Response, spans: Sequence[dict[str, Any]]) -> Call:
    trace_id = answer.headers["x-trace-id"]
    own = [span for span in spans if span["trace_id"] == trace_id]
    arrived = min((span["start"] for span in own), default=0.0)
    served = [span for span in own if span["service"] == "auth" and "http.route" in span["attributes"]]
    return Call(
        what=what,
        status=answer.status_code,
        trace_id=trace_id,
        moments=tuple(sorted((span["start"] - arrived) * 1e3 for span in served)),
    )
