"""A change of the signing key as a picture of everybody's requests, and as a table of the keys."""

from __future__ import annotations

from collections.abc import Sequence

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.authentication.key_record import OK, Request, Rotation
from lab.riskdesk.common import panels
from lab.style import ACCENT, BAD, GOOD, INK, coloured, table


def chart(*runs: Rotation) -> Figure:
    """A row for each session, a tick for each of its requests; two runs side by side."""
    return panels(_draw, runs, good=lambda run: not run.refused, height=4.2)


def _draw(axes: Axes, run: Rotation) -> str:
    answered = [(worker.number, each) for worker in run.workers for each in worker.requests]
    _ticks(axes, [pair for pair in answered if pair[1].status == OK], GOOD, "answered")
    _ticks(axes, [pair for pair in answered if pair[1].status != OK], BAD, "401, with a good token")
    axes.plot(
        [worker.refreshed for worker in run.workers],
        [worker.number - 0.36 for worker in run.workers],
        "v",
        color=ACCENT,
        markersize=8,
        label="token refreshed",
        zorder=4,
    )
    axes.axvline(0, color=INK, linestyle="--", linewidth=1.5, label="operator changes the key")
    axes.set_yticks([worker.number for worker in run.workers])
    axes.set_ylim(len(run.workers) + 0.6, 0.3)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("seconds since the change of keys")
    axes.set_ylabel("session")
    return str(run)


def _ticks(axes: Axes, requests: Sequence[tuple[int, Request]], colour: str, label: str) -> None:
    axes.plot(
        [each.at for _, each in requests],
        [number for number, _ in requests],
        "|",
        color=colour,
        markersize=15,
        mew=2.6,
        label=label,
        zorder=3,
    )


def planned(run: Rotation) -> HTML:
    """Each key right after the change: what the table of keys plans, and what auth does."""
    rows = [
        (
            f"{number} · {key.key_id[:8]}",
            _planned(key.signs_from),
            "never, so far" if key.retires_at is None else _planned(key.retires_at),
            _did("published", done=key.published, should=True),
            _did("signs", done=key.signs, should=key.signs_from <= 0),
        )
        for number, key in enumerate(run.keys, start=1)
    ]
    heads = ("key", "is to sign from", "is to retire", "in /v1/auth/jwks", "new tokens")
    return table(heads, rows, caption="Right after the change")


def _planned(seconds: float) -> str:
    return f"in {seconds:,.0f} s" if seconds > 0 else "now, since a while"


def _did(what: str, *, done: bool, should: bool) -> HTML:
    return coloured(
        what if done else f"not {what}" if what == "published" else "does not sign", good=done == should
    )
