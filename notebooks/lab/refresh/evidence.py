"""Traces of the opening bell: what auth does for refreshes that come together."""

from __future__ import annotations

from typing import Any

from IPython.display import HTML

from lab.case import Incident
from lab.errors import LabError
from lab.refresh.record import Storm, Visit
from lab.style import table


def refreshes(incident: Incident, storm: Storm) -> dict[str, list[dict[str, Any]]]:
    """What auth did for one token that two devices sent at once, labelled, for a waterfall."""
    session = storm.session(together=True)
    chosen = [visit for visit in storm.of(session) if visit.wave == 1]
    if not chosen:
        raise LabError("the devices of that session were logged out before the bell")
    return {_label(visit): _at_auth(incident, visit) for visit in chosen}


def _label(visit: Visit) -> str:
    return f"{visit.client}, token {visit.sent[:6]}: {visit.status}"


def _at_auth(incident: Incident, visit: Visit) -> list[dict[str, Any]]:
    return [span for span in incident.trace(visit.trace_id) if span["service"] == "auth"]


def sessions_logged(incident: Incident, storm: Storm) -> HTML:
    """What auth wrote about the sessions of the storm, in the order of time."""
    known = {session.family_id: session for session in storm.sessions}
    rows = []
    for line in incident.platform.logs("auth"):
        session = known.get(str(line.get("family_id", "")))
        if session is not None:
            when = "in the same instant" if session.together else "one after the other"
            shown = f"{session.number}, devices refresh {when}"
            rows.append((str(line["timestamp"])[11:23], line["level"], line["event"], shown))
    return table(("time, UTC", "level", "event", "session"), rows, caption="What auth logged")
