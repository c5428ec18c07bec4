"""Users who look at the same page at the same moment, and whose accounts each of them is shown."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.errors import LabError
from lab.market import ApiClient, expect
from lab.riskdesk.common import answered, market_of, panels
from lab.style import BAD, GOOD, LINE, SOFT, coloured, table

NAMES = ("Ada", "Ben", "Cleo", "Dana")
#: Seconds that the accounts stay locked at most: less than a request may take.
HELD = 3.0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One user and the users whose accounts he was shown."""

    user: str
    owners: tuple[str, ...]
    trace_id: str
    calls: int

    @property
    def right(self) -> bool:
        return self.owners == (self.user,)


@dataclass(frozen=True, kw_only=True)
class Rush:
    """What every user was shown."""

    shown: tuple[Shown, ...]

    @property
    def leaks(self) -> int:
        """How many users saw the accounts of somebody else."""
        return sum(not each.right for each in self.shown)

    def __str__(self) -> str:
        return f"{self.leaks} of {len(self.shown)} users were shown the accounts of somebody else"


def run(incident: Incident) -> Rush:
    """Four users list their accounts while the table is locked, so that all ask before one is answered."""
    market = market_of(incident)
    users: dict[str, tuple[ApiClient, str]] = {}
    for name in NAMES:
        client, *_, user_id = market.new_user()
        answered(client.post("/v1/accounts", json={"name": "main"}), 201)
        users[name] = (client, user_id)
    who = {user_id: name for name, (_, user_id) in users.items()}
    with ThreadPoolExecutor(len(NAMES)) as pool, incident.platform.connect("users_db") as connection:
        joined = _joined(incident)
        connection.execute("LOCK TABLE users_account IN ACCESS EXCLUSIVE MODE")
        reads = {name: pool.submit(client.get, "/v1/accounts") for name, (client, _) in users.items()}
        deadline = time.monotonic() + HELD
        while _waiting(incident) + _joined(incident) - joined < len(NAMES) and time.monotonic() < deadline:
            time.sleep(0.02)
        connection.rollback()
        answers = {name: read.result() for name, read in reads.items()}
    if late := [name for name, answer in answers.items() if answer.status_code >= 500]:
        raise LabError(f"{', '.join(late)} got no answer: the machine is busy. Run this cell once more")
    return Rush(
        shown=tuple(
            Shown(
                user=name,
                owners=tuple(sorted({who[each["owner_id"]] for each in expect(answer, 200)["items"]})),
                trace_id=answer.headers["x-trace-id"],
                calls=_calls(incident, answer.headers["x-trace-id"]),
            )
            for name, answer in answers.items()
        )
    )


def _joined(incident: Incident) -> float:
    samples = incident.platform.metrics("gateway").items()
    return sum(value for name, value in samples if name.startswith("gateway_reads_joined_total"))


def _waiting(incident: Incident) -> int:
    query = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND relation = 'users_account'::regclass"
    return int(incident.platform.sql("users_db", query)[0]["n"])


def _calls(incident: Incident, trace_id: str) -> int:
    spans = incident.platform.traces(trace_id)
    return sum(span["service"] == "users" and "http.route" in span["attributes"] for span in spans)


def chart(*runs: Rush) -> Figure:
    """A row a user, a column an owner: whose accounts each was shown; two runs side by side."""
    return panels(_draw, runs, height=4.0, good=lambda each: not each.leaks)


def _draw(axes: Axes, each: Rush) -> str:
    names = [shown.user for shown in each.shown]
    for row, shown in enumerate(each.shown):
        for column, owner in enumerate(names):
            own, seen = owner == shown.user, owner in shown.owners
            colour = (GOOD if own else BAD) if seen else "white"
            axes.barh(row, 0.9, left=column - 0.45, height=0.8, color=colour, edgecolor=LINE)
            if seen or own:
                said = "own" if own and seen else f"{owner}'s!" if seen else "not shown"
                ink = "white" if seen else SOFT
                axes.text(column, row, said, ha="center", va="center", fontsize=10, color=ink)
    axes.set_yticks(range(len(names)), [f"{name} asks" for name in names])
    axes.set_xticks(range(len(names)), [f"{name}'s accounts" for name in names])
    axes.set_xlim(-0.55, len(names) - 0.45)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False)
    axes.set_xlabel("whose accounts the answer shows")
    for colour, label in ((GOOD, "own accounts"), (BAD, "somebody else's accounts")):
        axes.fill_between([], [], color=colour, label=label)
    return f"{each.leaks} of {len(names)} users see a stranger's accounts"


def answers(each: Rush) -> HTML:
    """Who was shown whose data, and how many requests users answered in the trace of each."""
    rows = [
        (
            shown.user,
            ", ".join(shown.owners),
            shown.calls,
            shown.trace_id[:12] + "…",
            coloured("own" if shown.right else "a stranger's", good=shown.right),
        )
        for shown in each.shown
    ]
    return table(("who asked", "was shown the accounts of", "requests at users", "trace", ""), rows)
