"""A picture of tokens around the revocation of a right."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.authentication.revoked import Change, Token
from lab.riskdesk.common import panels
from lab.style import ACCENT, BAD, GOOD, INK, LINE, SOFT


def chart(*runs: Change) -> Figure:
    """A dot for each access token, high when it holds the right; two runs side by side."""
    return panels(_draw, runs, good=lambda run: not run.wrong, height=3.6)


def _draw(axes: Axes, run: Change) -> str:
    axes.axvspan(0, run.ended, color=LINE, alpha=0.7, linewidth=0, zorder=0)
    axes.axvline(run.ended, color=INK, linestyle="--", linewidth=1.4, label="operator told: it is gone")
    before = [token for token in run.tokens if token not in run.after]
    right = [token for token in run.after if not token.has_right]
    _dots(axes, before, ACCENT, "token before that")
    _dots(axes, right, GOOD, "token without the right")
    _dots(axes, run.wrong, BAD, "token with the right all the same")
    axes.text(run.ended / 2, 0.5, "change\nunder way", ha="center", va="center", fontsize=9.5, color=SOFT)
    axes.set_yticks([0, 1], ["may not trade", "may trade"])
    axes.set_ylim(-0.45, 1.45)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("milliseconds since the operator took the role away")
    axes.set_ylabel("what the token says")
    return str(run)


def _dots(axes: Axes, tokens: list[Token], colour: str, label: str) -> None:
    axes.plot(
        [token.at for token in tokens],
        [int(token.has_right) for token in tokens],
        "o",
        color=colour,
        markersize=8,
        label=label,
        zorder=3,
    )
