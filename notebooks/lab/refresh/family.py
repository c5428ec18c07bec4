"""The refresh tokens of one log-in: as a tree of who got which for which, and as auth keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lab.case import Incident
from lab.refresh.record import Session, Storm, Visit
from lab.style import ACCENT, BAD, GOOD, INK, LINE, SOFT, table

_COLUMNS = ("log-in", "before\nthe bell", "at the bell", "next\nrefresh")
_QUERY = (
    "SELECT token_hash, used_at, revoked_at FROM nexus_auth_refreshtoken"
    " JOIN nexus_auth_refreshfamily USING (family_id) WHERE family_id = %s"
)


@dataclass(frozen=True, kw_only=True)
class _Node:
    column: int
    row: float


def chart(*storms: Storm, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """Two families as trees: devices that refresh in the same instant, and one after the other.

    A row a storm: give two to compare.
    """
    figure, grid = plt.subplots(
        len(storms),
        2,
        figsize=(12.4, 2.9 * len(storms) + 0.6),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for row, storm, title in zip(grid, storms, titles, strict=False):
        lead = f"{title}, " if len(storms) > 1 else ""
        for axes, together in zip(row, (True, False), strict=True):
            _tree(axes, storm, storm.session(together=together), lead)
    figure.legend(handles=_legend(), loc="outside lower center", ncols=4, fontsize=9.5)
    plt.close(figure)
    return figure


def _tree(axes: Axes, storm: Storm, session: Session, lead: str) -> None:
    places = {session.first: _Node(column=0, row=0.0)}
    visits = storm.of(session)
    for visit in sorted(visits, key=lambda each: (each.wave, each.client)):
        _visit(axes, visit, places)
    used = {visit.sent for visit in visits}
    for token, place in places.items():
        live = token not in used and not session.revoked
        axes.plot(
            [place.column], [place.row], "o", markersize=11, color=GOOD if live else ACCENT, mew=0, zorder=4
        )
    out = sum(not visit.got for visit in visits)
    when = "in the same instant" if session.together else "one after the other"
    said = f"{out} of {len(session.clients)} devices logged out" if out else "both devices stay in"
    axes.set_title(f"{lead}{when}: {said}", fontsize=11.5, color=BAD if out else GOOD)
    axes.set_xticks(range(len(_COLUMNS)), _COLUMNS, fontsize=9.5)
    axes.set_xlim(-0.35, len(_COLUMNS) - 0.45)
    axes.set_ylim(1.75, -1.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=LINE)


def _visit(axes: Axes, visit: Visit, places: dict[str, _Node]) -> None:
    """An edge from the token that was sent to the one that came back, or to a refusal."""
    origin = places.get(visit.sent, _Node(column=visit.wave, row=0.0))
    lane = 0.0 if not visit.wave else -0.85 if visit.client == "phone" else 0.85
    end = _Node(column=visit.wave + 1, row=lane)
    refused = not visit.got
    axes.plot(
        [origin.column, end.column],
        [origin.row, end.row],
        color=BAD if refused else SOFT,
        linestyle="--" if refused else "-",
        linewidth=1.6,
        zorder=2,
    )
    _name(axes, visit, end)
    if refused:
        axes.plot([end.column], [end.row], "x", color=BAD, markersize=11, mew=3, zorder=5)
    else:
        places[visit.got] = end


def _name(axes: Axes, visit: Visit, end: _Node) -> None:
    above = end.row <= 0
    axes.annotate(
        f"{visit.client}: 401" if not visit.got else f"{visit.client} {visit.got[:6]}",
        (end.column, end.row),
        (0 if end.row else 8, 11 if above else -11),
        textcoords="offset points",
        # Two lines leave from the middle lane to the right.
        ha="center" if end.row else "right",
        va="bottom" if above else "top",
        fontsize=9,
        color=INK if visit.got else BAD,
    )


def _legend() -> list[Line2D]:
    def dot(colour: str, label: str) -> Line2D:
        return Line2D([], [], marker="o", markersize=9, color=colour, mew=0, linestyle="none", label=label)

    cross = Line2D([], [], marker="x", markersize=9, mew=2.5, color=BAD, linestyle="none")
    cross.set_label("refused: logged out")
    edge = Line2D([], [], color=SOFT, label="traded for")
    return [
        dot(ACCENT, "refresh token, used or dead"),
        dot(GOOD, "refresh token that still works"),
        edge,
        cross,
    ]


def tokens(incident: Incident, storm: Storm, *, together: bool = True) -> HTML:
    """The tokens of one session as auth keeps them, and what its devices know about each."""
    session = storm.session(together=together)
    kept = {row["token_hash"]: row for row in incident.platform.sql("users_db", _QUERY, (session.family_id,))}
    visits = storm.of(session)
    given = {session.first: "log-in"} | {visit.got: visit.client for visit in visits if visit.got}
    rows = [
        (
            token[:6],
            holder,
            _told(kept[token]["used_at"]),
            ", ".join(f"{v.client}: {v.status}" for v in visits if v.sent == token) or "nobody",
        )
        for token, holder in given.items()
        if token in kept
    ]
    ended = _told(next((row["revoked_at"] for row in kept.values()), None))
    caption = f"session {session.family_id[:8]}, revoked {ended}" if ended != "–" else "the session is alive"
    heads = ("token", "given to", "used at, as auth has it", "sent by, and the answer")
    return table(heads, rows, caption=caption)


def _told(moment: object) -> str:
    return "–" if moment is None else str(moment)[11:23]
