"""A right is taken away while its owner's browser refreshes its token again and again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from IPython.display import HTML

from lab.case import Incident
from lab.market import ApiClient, held_table
from lab.refresh.clients import claims_of, log_in, new_user
from lab.riskdesk.common import answered, market_of
from lab.style import coloured, table

RIGHT, ROLE = "orders:write", "trader"
EARLY, MEANWHILE, LATE = 3, 3, 7
#: Seconds between two refreshes.
_STEP = 0.12


@dataclass(frozen=True, kw_only=True)
class Token:
    """An access token: milliseconds from the operator's request to its issue, and what it says."""

    at: float
    roles: tuple[str, ...]
    has_right: bool


@dataclass(frozen=True, kw_only=True)
class Change:
    """The tokens around the revocation of a role; the operator was told after `ended` milliseconds.

    `told` are the roles that are left, as he was told.
    """

    tokens: tuple[Token, ...]
    ended: float
    told: tuple[str, ...]

    @property
    def after(self) -> list[Token]:
        """Tokens that were issued when the operator had been told that the right is gone."""
        return [token for token in self.tokens if token.at > self.ended]

    @property
    def wrong(self) -> list[Token]:
        return [token for token in self.after if token.has_right]

    def __str__(self) -> str:
        if not self.wrong:
            return "what was taken away stays away"
        return f"{len(self.wrong)} of {len(self.after)} tokens bring the right back"


def revoke(incident: Incident) -> Change:
    """Takes the trader's role from a user whose browser refreshes all the time.

    A report keeps the table of users from being written to, so that the change takes half a second.
    """
    market = market_of(incident)
    with closing(ApiClient(market.gateway)) as http, ThreadPoolExecutor(1) as pool:
        user = new_user(incident, http)
        browser = _Browser(http, log_in(http, user))
        browser.refresh(EARLY)
        with held_table(incident.platform, "nexus_auth_user", database="users_db") as report:
            started = time.time()
            path = f"/v1/auth/users/{user['username']}/roles/{ROLE}"
            change = pool.submit(market.operator.delete, path)
            report.wait_for(1)
            browser.refresh(MEANWHILE)
            report.release()
            told = answered(change.result(), 200)
        ended = time.time()
        browser.refresh(LATE)
    return Change(
        tokens=tuple(
            Token(at=(at - started) * 1e3, roles=tuple(said["roles"]), has_right=RIGHT in said["permissions"])
            for at, said in browser.tokens
        ),
        ended=(ended - started) * 1e3,
        told=tuple(told["roles"]),
    )


class _Browser:
    """Refreshes, and keeps what its access tokens say and when each was asked for."""

    def __init__(self, http: ApiClient, tokens: dict[str, Any]) -> None:
        self.tokens: list[tuple[float, dict[str, Any]]] = []
        self._http = http
        self._refresh_token = tokens["refresh_token"]

    def refresh(self, times: int) -> None:
        for _ in range(times):
            at = time.time()
            answer = self._http.post("/v1/auth/refresh", json={"refresh_token": self._refresh_token})
            tokens = answered(answer, 200)
            self._refresh_token = tokens["refresh_token"]
            self.tokens.append((at, claims_of(tokens["access_token"])))
            # The spacing of the traffic itself.
            time.sleep(_STEP)


def told(change: Change) -> HTML:
    """A row for each token, in the order of their issue."""
    rows = [
        (
            f"{token.at:,.0f}",
            _when(change, token),
            ", ".join(token.roles) or "–",
            coloured(f"may {RIGHT}" if token.has_right else "may not", good=token not in change.wrong),
        )
        for token in change.tokens
    ]
    roles = ", ".join(change.told) or "none"
    heads = ("ms", "asked for", "roles in the token", RIGHT)
    return table(heads, rows, caption=f"Told to the operator: roles left, {roles}")


def _when(change: Change, token: Token) -> str:
    if token.at < 0:
        return "before the change"
    return "after the change" if token in change.after else "while it was made"
