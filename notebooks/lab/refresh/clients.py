"""The clients of the story: an app whose phone and tablet share a session, and browsers with one each."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from lab.case import Incident
from lab.errors import LabError
from lab.market import ApiClient, expect
from lab.refresh.record import FORBIDDEN, LOGGED_OUT, OK, Visit, digest


@dataclass(kw_only=True)
class Client:
    """A phone, a tablet or a browser: the refresh token that it holds, and what happened to it."""

    name: str
    session: int
    http: ApiClient
    token: str
    visits: list[Visit] = field(default_factory=list)
    logged_out: bool = False

    def visit(self, wave: int, bell: float) -> None:
        """Refreshes and, with the new access token, reads its orders. A refused refresh logs it out."""
        if self.logged_out:
            return
        access_token = self._refresh(wave, bell)
        if access_token:
            self._read(access_token, wave, bell)

    def _refresh(self, wave: int, bell: float) -> str:
        sent, at = self.token, time.time() - bell
        answer = self.http.post("/v1/auth/refresh", json={"refresh_token": sent})
        _understood(answer, OK, LOGGED_OUT)
        tokens = answer.json() if answer.status_code == OK else {}
        self.token = tokens.get("refresh_token", sent)
        self.logged_out = not tokens
        got = digest(self.token) if tokens else ""
        self._note(answer, "refresh", wave, at, bell, sent=digest(sent), got=got)
        return str(tokens.get("access_token", ""))

    def _read(self, access_token: str, wave: int, bell: float) -> None:
        at = time.time() - bell
        answer = self.http.get("/v1/orders", headers={"Authorization": f"Bearer {access_token}"})
        _understood(answer, OK, LOGGED_OUT, FORBIDDEN)
        self._note(answer, "read", wave, at, bell)

    def _note(
        self, answer: httpx.Response, what: str, wave: int, at: float, bell: float, **fields: str
    ) -> None:
        self.visits.append(
            Visit(
                session=self.session,
                client=self.name,
                wave=wave,
                what=what,
                at=at,
                answered=time.time() - bell,
                status=answer.status_code,
                trace_id=answer.headers.get("x-trace-id", ""),
                **fields,
            )
        )


def _understood(answer: httpx.Response, *statuses: int) -> None:
    if answer.status_code not in statuses:
        what = f"{answer.request.method} {answer.request.url.path}"
        raise LabError(f"{what} was answered {answer.status_code}: {answer.text[:200]}")


def new_user(incident: Incident, http: ApiClient) -> dict[str, str]:
    """Registers somebody; his user name and password."""
    username, password = incident.market.name("u-"), incident.market.name("Pw-9")
    body = {"username": username, "email": f"{username}@example.com", "password": password}
    expect(http.post("/v1/auth/register", json=body), 201)
    return {"username": username, "password": password}


def log_in(http: ApiClient, user: dict[str, str], *, device: str = "") -> dict[str, Any]:
    """The tokens of a new session; a browser gives no device."""
    named = user | ({"device": device} if device else {})
    return dict(expect(http.post("/v1/auth/login", json=named), OK))


def claims_of(access_token: str) -> dict[str, Any]:
    """What an access token says; nothing is verified."""
    body = access_token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
