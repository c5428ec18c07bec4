"""Requests that must be refused or must fail, and how many calls each of them costs the service behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import ApiClient, Market
from lab.riskdesk.common import market_of, panels, waited
from lab.style import BAD, GOOD, INK, table

#: Calls of one request that nobody can object to: an answer that will not change is asked for once, and a
#: failure that may pass is met three times at most.
REFUSED, FAILING = 1, 3


@dataclass(frozen=True, kw_only=True)
class Case:
    """One request: who ends up with it, what was answered, and when each call arrived there, in ms."""

    label: str
    service: str
    status: int
    calls: tuple[tuple[float, int], ...]
    bound: int

    @property
    def right(self) -> bool:
        return 1 <= len(self.calls) <= self.bound


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Every case, sent once."""

    cases: tuple[Case, ...]

    @property
    def worst(self) -> Case:
        return max(self.cases, key=lambda case: len(case.calls))

    def __str__(self) -> str:
        wrong = sum(not case.right for case in self.cases)
        worst = len(self.worst.calls)
        return f"{wrong} of {len(self.cases)} requests are asked too often, up to {worst} times"


def run(incident: Incident) -> Repeats:
    """Sends four requests that have to be refused, and one read while users cannot read its accounts."""
    market = market_of(incident)
    _, username, password, _ = market.new_user()
    anonymous = ApiClient(market.gateway)
    taken = {"username": username, "email": f"{username}@example.com", "password": password}
    try:
        cases = [
            _case(incident, "wrong password", "auth", _log_in(anonymous, username, f"{password}x")),
            _case(incident, "refresh with a\nspent token", "auth", _refresh(anonymous)),
            _case(
                incident,
                "sign-up with\na taken name",
                "auth",
                anonymous.post("/v1/auth/register", json=taken),
            ),
            _case(incident, "order beyond\nits limit", "risk", _order(market)),
            _case(incident, "read while\nusers fails", "users", _read(incident, market), bound=FAILING),
        ]
    finally:
        anonymous.close()
    return Repeats(cases=tuple(cases))


def _log_in(client: ApiClient, username: str, password: str) -> httpx.Response:
    return client.post("/v1/auth/login", json={"username": username, "password": password})


def _refresh(client: ApiClient) -> httpx.Response:
    return client.post("/v1/auth/refresh", json={"refresh_token": "spent-token-" + "x" * 32})


def _order(market: Market) -> httpx.Response:
    trader = market.new_trader(limit="1000", cash="0")
    return trader.submit(market.new_symbol(), "buy", "100", "100.00")


def _read(incident: Incident, market: Market) -> httpx.Response:
    client = market.new_user()[0]
    path = "/v1/risk/limits/no-such-account"
    with _accounts_gone(incident):
        answer = client.get(path)
    waited(lambda: client.get(path).status_code < 500, "risk reaches users again")
    return answer


@contextmanager
def _accounts_gone(incident: Incident) -> Iterator[None]:
    """Takes the table of accounts away from users, as a migration that went wrong would."""
    sql = incident.platform.sql
    sql("users_db", "ALTER TABLE users_account RENAME TO users_account_mislaid")
    try:
        yield
    finally:
        sql("users_db", "ALTER TABLE users_account_mislaid RENAME TO users_account")


def _case(
    incident: Incident, label: str, service: str, answer: httpx.Response, *, bound: int = REFUSED
) -> Case:
    spans = incident.platform.traces(answer.headers["x-trace-id"])
    origin = min((span["start"] for span in spans), default=0.0)
    calls = tuple(
        ((span["start"] - origin) * 1e3, span["attributes"]["http.status_code"])
        for span in spans
        if span["service"] == service and "http.route" in span["attributes"]
    )
    return Case(label=label, service=service, status=answer.status_code, calls=calls, bound=bound)


def chart(*runs: Repeats) -> Figure:
    """A bar a request: the calls that it costs; two runs side by side."""
    return panels(_draw, runs, good=lambda each: all(case.right for case in each.cases))


def _draw(axes: Axes, each: Repeats) -> str:
    rows = range(len(each.cases))
    counts = [len(case.calls) for case in each.cases]
    colours = [GOOD if case.right else BAD for case in each.cases]
    axes.barh(rows, counts, height=0.62, color=colours)
    for row, (case, count) in enumerate(zip(each.cases, counts, strict=True)):
        text = f" {count} at {case.service}"
        axes.text(count, row, text, va="center", fontsize=10, fontweight="bold", color=colours[row])
        label = "calls that it may cost" if row == 0 else "_again"
        axes.vlines(case.bound, row - 0.4, row + 0.4, color=INK, linestyle="--", linewidth=1.6, label=label)
    axes.set_yticks(rows, [case.label for case in each.cases])
    axes.set_ylim(len(each.cases) - 0.45, -0.55)
    axes.set_xlim(0, max(*counts, axes.get_xlim()[1] / 1.3, 4) * 1.3)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("calls of one request at the service that answers it")
    wrong = sum(not case.right for case in each.cases)
    return f"one request, up to {max(counts)} calls" if wrong else "no request costs more than it may"


def attempts(each: Repeats) -> HTML:
    """When the calls of each request arrived, in milliseconds since the request did."""
    rows = [
        (
            case.label.replace("\n", " "),
            case.service,
            case.status,
            ", ".join(f"{at:,.0f}" for at, _ in case.calls),
            ", ".join(str(status) for status in sorted({status for _, status in case.calls})),
        )
        for case in each.cases
    ]
    return table(("request", "service", "told", "calls at, ms", "answered"), rows)


def counted(incident: Incident, service: str) -> HTML:
    """Attempts and retries of one service's clients since its start."""
    samples: dict[str, Any] = {
        name: value
        for name, value in incident.platform.metrics(service).items()
        if name.startswith(("client_attempts_total", "client_retries_total"))
    }
    return table(
        ("metric", "value"), [(name, int(value)) for name, value in sorted(samples.items())], caption=service
    )
