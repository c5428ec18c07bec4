"""Orders around the close, on a winter's day and on a summer's day: the traffic of incident 02, in short."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from IPython.display import HTML
from matplotlib.figure import Figure

from lab import closing
from lab.case import Incident
from lab.closing.record import DAYS as SEASONS
from lab.errors import LabError
from lab.style import coloured, table
from lab.trading.days import NEW_YORK
from lab.trading.desk import check_running

OPENS, CLOSES = time(9, 30), time(16)
DAYS = (SEASONS[0], SEASONS[2])
#: Every half hour of the day, and the minutes around the close.
MARKS = tuple(
    sorted(
        {time(minutes // 60, minutes % 60) for minutes in range(8 * 60 + 30, 17 * 60 + 31, 30)}
        | {time(15, minute) for minute in (56, 58, 59)}
        | {time(16, minute) for minute in (1, 2, 4)}
    )
)
_TICK = timedelta(microseconds=1)
#: Asked in a fresh process, on the workspace's code: no clock stands still long enough to hit an instant.
_ASK = """
import json, sys
from datetime import datetime
from shared.sessions import calendar_named
calendar = calendar_named("XNYS")
print(json.dumps([calendar.is_open(datetime.fromisoformat(text)) for text in json.loads(sys.argv[1])]))
"""


def orders(incident: Incident) -> closing.Record:
    """Turns the market clock to every mark of both days and sends an order for one share there."""
    check_running(incident)
    return closing.orders(incident, days=DAYS, marks=MARKS)


def chart(*records: closing.Record, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """A strip a day; the shaded part is the session."""
    return closing.chart(*records, titles=titles, days=DAYS)


@dataclass(frozen=True, kw_only=True)
class Instant:
    """One microsecond in New York, and whether the workspace's calendar takes it for open."""

    at: datetime
    open: bool

    @property
    def right(self) -> bool:
        """The session begins with its opening instant and ends before its closing instant."""
        return self.open == (OPENS <= self.at.time() < CLOSES)


def edges(incident: Incident) -> list[Instant]:
    """The instants at the edges of the session, and the microsecond before each, on both days."""
    at = [
        datetime.combine(day.date, edge, NEW_YORK) - before
        for day in DAYS
        for edge in (OPENS, CLOSES)
        for before in (_TICK, timedelta(0))
    ]
    done = subprocess.run(
        [sys.executable, "-c", _ASK, json.dumps([moment.isoformat() for moment in at])],
        cwd=incident.workspace.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LabError(f"shared/sessions.py could not be asked: {done.stderr.strip().splitlines()[-1]}")
    return [Instant(at=moment, open=said) for moment, said in zip(at, json.loads(done.stdout), strict=True)]


def rows(instants: Sequence[Instant]) -> HTML:
    """The instants as a table."""
    return table(
        ("New York", "in UTC", "the calendar says", ""),
        [
            (
                f"{each.at:%a %d %b %Y %H:%M:%S.%f %Z}",
                f"{each.at.astimezone(UTC):%H:%M:%S.%f}",
                "open" if each.open else "closed",
                coloured("right" if each.right else "wrong", good=each.right),
            )
            for each in instants
        ],
        caption="The edges of the session",
    )
