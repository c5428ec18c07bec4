"""One user, logged in by browser and by app, and what he may do with each of these log-ins."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from lab.case import Incident
from lab.market import ApiClient
from lab.refresh.clients import claims_of, log_in, new_user
from lab.trading.desk import check_running

WAYS = {"browser": "", "phone": "phone", "tablet": "tablet", "desk": "Trading desk 4"}
#: What is asked for, with the statuses that a trader must get.
REQUESTS = (
    ("GET", "/v1/users/me", "own profile"),
    ("GET", "/v1/auth/rights", "own rights"),
    ("POST", "/v1/accounts", "open an account"),
    ("GET", "/v1/accounts", "own accounts"),
    ("GET", "/v1/orders", "own orders"),
)


@dataclass(frozen=True, kw_only=True)
class Rights:
    """`answers` are statuses by way of log-in and request; `claims` what each access token says."""

    answers: dict[str, dict[str, int]]
    claims: dict[str, dict[str, Any]]

    @property
    def differing(self) -> list[str]:
        """Requests that are answered otherwise than in the browser, as "way: request"."""
        return [
            f"{way}: {what}"
            for way, answers in self.answers.items()
            for what, status in answers.items()
            if status != self.answers["browser"][what]
        ]

    def __str__(self) -> str:
        asked = sum(map(len, self.answers.values()))
        return f"{len(self.differing)} of {asked} answers are not those that the browser gets"


def rights(incident: Incident) -> Rights:
    """Logs one new trader in on each of the ways, and sends the same requests from each."""
    check_running(incident)
    answers: dict[str, dict[str, int]] = {}
    claims: dict[str, dict[str, Any]] = {}
    with closing(ApiClient(incident.market.gateway)) as http:
        user = new_user(incident, http)
        for way, device in WAYS.items():
            token = str(log_in(http, user, device=device)["access_token"])
            answers[way] = {what: _ask(http, token, method, path) for method, path, what in REQUESTS}
            claims[way] = claims_of(token)
    return Rights(answers=answers, claims=claims)


def _ask(http: ApiClient, token: str, method: str, path: str) -> int:
    body = {"json": {"name": "main"}} if method == "POST" else {}
    answer = http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **body)
    return answer.status_code
