"""Log-ins with a wrong password, in turns with names that exist and with names that do not."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lab.case import Incident
from lab.market import ApiClient
from lab.refresh.clients import new_user
from lab.riskdesk.common import answered, market_of, panels
from lab.security.helpers import SAMPLES, TELLING, how_often_longer
from lab.style import ACCENT, INK, WARM

NAMES = 4


@dataclass(frozen=True, kw_only=True)
class Times:
    """Milliseconds that refusals took, for names that exist and for those that do not."""

    known: tuple[float, ...]
    unknown: tuple[float, ...]

    @property
    def separation(self) -> float:
        """The part of all pairs in which the name that exists takes longer: 0.5 tells nothing."""
        return how_often_longer(self.known, self.unknown)

    @property
    def telling(self) -> bool:
        return max(self.separation, 1 - self.separation) >= TELLING

    def __str__(self) -> str:
        return f"a known name takes longer in {self.separation:.0%} of all pairs"


def refuse(incident: Incident) -> Times:
    """Twenty refused log-ins of each kind, in turns, so that both meet the machine equally busy."""
    market = market_of(incident)
    with closing(ApiClient(market.gateway)) as http:
        users = [new_user(incident, http)["username"] for _ in range(NAMES)]
        password = market.name("Pw-9")

        def refused(name: str) -> float:
            started = time.perf_counter()
            answer = http.post("/v1/auth/login", json={"username": name, "password": password})
            took = time.perf_counter() - started
            answered(answer, 401)
            return took * 1e3

        refused(users[0])  # the first one opens connections
        pairs = [(refused(users[n % NAMES]), refused(market.name("u-"))) for n in range(SAMPLES)]
    known, unknown = zip(*pairs, strict=True)
    return Times(known=known, unknown=unknown)


def chart(*runs: Times) -> Figure:
    """A strip for each kind of name, a tick for each refusal and a diamond for the median."""
    return panels(_draw, runs, good=lambda run: not run.telling, height=3.3)


def _draw(axes: Axes, run: Times) -> str:
    strips = (("name exists", run.known, WARM), ("no such name", run.unknown, ACCENT))
    for row, (_, times, colour) in enumerate(strips):
        axes.plot(times, [row] * len(times), "|", color=colour, markersize=26, mew=2, alpha=0.75, zorder=3)
        median = sorted(times)[len(times) // 2]
        label = "median" if row == 0 else "_"
        axes.plot(median, row, "D", color=INK, markersize=6, zorder=4, label=label)
        axes.annotate(
            f"{median:,.0f} ms", (median, row), (0, -22), textcoords="offset points", ha="center", fontsize=9
        )
    axes.set_yticks([0, 1], [name for name, *_ in strips])
    axes.set_ylim(1.6, -0.6)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(
        FuncFormatter(lambda value, _: f"{value:g}" if f"{value:g}"[0] in "25" else "")
    )
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("milliseconds until a log-in is refused (logarithmic)")
    return str(run)
