"""Callers in a hurry, and what goes on behind the gateway after each of them has given up."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import ApiClient, Trader
from lab.riskdesk.common import answered, market_of, panels, waited
from lab.style import BAD, INK, LINE, SERVICES, SOFT, coloured, table

#: Seconds that users is frozen: less than the services behind the gateway wait for it.
SILENT = 1.5
#: The service that each caller asks, and the seconds that he has; it asks users in its turn.
CALLERS = (("notifications", 0.4), ("risk", 0.6), ("settlement", 0.8))
WAITED_FOR = SERVICES["gateway"]
_SLACK, _TOO_LATE = 0.001, 504
#: Seconds that a busy machine may need to notice that time is over, in the picture only.
_REACTION = 0.3


@dataclass(frozen=True, kw_only=True)
class Hop:
    """What one service did for a caller; seconds since the caller asked. `status` is its answer."""

    service: str
    start: float
    end: float
    status: int
    given: float | None


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One caller: the services on his way, how long he waits, and what each of them did, in order."""

    way: tuple[str, ...]
    patience: float
    hops: tuple[Hop, ...]

    @property
    def late(self) -> tuple[Hop, ...]:
        """Hops that gave the next one more time than the caller has, or worked for him when he was gone."""
        return tuple(
            hop
            for hop in self.hops
            if (hop.given is not None and hop.given > self.patience + _SLACK)
            or (hop.start > self.patience and hop.status != _TOO_LATE)
        )


@dataclass(frozen=True, kw_only=True)
class Errands:
    """Every caller; `awake` is when users went on, in seconds since the callers asked."""

    errands: tuple[Errand, ...]
    awake: float

    @property
    def late(self) -> int:
        return sum(bool(errand.late) for errand in self.errands)

    def __str__(self) -> str:
        return f"for {self.late} of {len(self.errands)} callers work went on after they had given up"


def run(incident: Incident) -> Errands:
    """Three callers ask at once while users, which is the last hop of all of them, is frozen."""
    market = market_of(incident)
    trader = market.new_trader(cash="0")
    for service, _ in CALLERS:
        answered(trader.client.get(_path(service, trader)), 200, 404)
    with ThreadPoolExecutor(len(CALLERS)) as pool:
        incident.platform.pause("users")
        try:
            asked = time.time()
            calls = [
                pool.submit(_ask, trader.client, _path(service, trader), asked + patience)
                for service, patience in CALLERS
            ]
            _rest(asked + SILENT)
        finally:
            awake = time.time() - asked
            incident.platform.resume("users")
        answers = [call.result() for call in calls]
    waited(lambda: trader.client.get("/v1/users/me").status_code == 200, "users answers again")
    return Errands(
        errands=tuple(
            Errand(
                way=("gateway", service, "users"),
                patience=patience,
                hops=_hops(incident, answer.headers["x-trace-id"], asked, ("gateway", service, "users")),
            )
            for (service, patience), answer in zip(CALLERS, answers, strict=True)
        ),
        awake=awake,
    )


def _path(service: str, trader: Trader) -> str:
    unknown = uuid.uuid4().hex  # an account that nobody remembers: its owner has to be asked for
    return {
        "notifications": f"/v1/notifications?account_id={trader.account_id}",
        "risk": f"/v1/risk/limits/{unknown}",
        "settlement": f"/v1/balances/{unknown}",
    }[service]


def _ask(client: ApiClient, path: str, due: float) -> Any:
    return client.get(path, headers={"X-Request-Deadline": f"{due:.3f}"})


def _rest(until: float) -> None:
    time.sleep(max(0.0, until - time.time()))


def _hops(incident: Incident, trace_id: str, asked: float, way: tuple[str, ...]) -> tuple[Hop, ...]:
    """The hops of a trace, once all have ended; the last one may never have heard of the request."""

    def ended() -> bool:
        served = {span["service"] for span in incident.platform.traces(trace_id) if _served(span)}
        return set(way[:-1]) <= served

    waited(ended, f"the trace of what {way[1]} did")
    spans = sorted(incident.trace(trace_id), key=lambda span: (way.index(span["service"]), span["start"]))
    given = {
        span["service"]: span["attributes"]["deadline"] for span in spans if "deadline" in span["attributes"]
    }
    return tuple(
        Hop(
            service=span["service"],
            start=span["start"] - asked,
            end=span["end"] - asked,
            status=span["attributes"]["http.status_code"],
            given=given[span["service"]] - asked if span["service"] in given else None,
        )
        for span in spans
        if _served(span)
    )


def _served(span: dict[str, Any]) -> bool:
    return "http.route" in span["attributes"]


def chart(*runs: Errands) -> Figure:
    """A bar a hop from its start to its end, against the moment at which its caller gave up."""
    return panels(_draw, runs, height=5.0, good=lambda each: not each.late)


def _draw(axes: Axes, each: Errands) -> str:
    row, ticks, labels = 0.0, [], []
    for errand in each.errands:
        top = row
        for service in errand.way:
            found = [hop for hop in errand.hops if hop.service == service]
            for hop in found:
                _bar(axes, row, hop, errand.patience)
            if not found:
                axes.text(0.02, row, "never heard of it", va="center", fontsize=9, color=SOFT, zorder=7)
            ticks.append(row)
            labels.append(service)
            row += 1
        label = "the caller gives up" if top == 0 else "_again"
        axes.vlines(
            errand.patience,
            top - 0.5,
            row - 0.5,
            color=INK,
            linestyle="--",
            linewidth=1.8,
            label=label,
            zorder=6,
        )
        row += 0.8
    axes.axvspan(0, each.awake, facecolor=LINE, alpha=0.6, linewidth=0, zorder=0)
    axes.text(each.awake / 2, -0.75, "users is frozen", ha="center", va="bottom", fontsize=10, color=SOFT)
    kinds = ((WAITED_FOR, "somebody waits for it"), (BAD, "work for nobody"), (SOFT, "refused as too late"))
    for colour, label in kinds:
        axes.fill_between([], [], color=colour, label=label)
    axes.set_yticks(ticks, labels)
    axes.set_ylim(row - 1.1, -1.5)
    axes.set_xlim(0, max(axes.get_xlim()[1], 1.25 * SILENT))
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("seconds since the callers asked")
    return f"work goes on for {each.late} of {len(each.errands)} who have given up"


def _bar(axes: Axes, row: float, hop: Hop, patience: float) -> None:
    on_time = hop.end <= patience + _REACTION and hop.status == _TOO_LATE
    turn = hop.end if on_time else min(hop.end, max(hop.start, patience))
    beyond = SOFT if hop.status == _TOO_LATE and hop.start > patience else BAD
    for start, end, colour in ((hop.start, turn, WAITED_FOR), (turn, hop.end, beyond)):
        if end > start:
            axes.barh(row, max(end - start, 0.012), left=start, height=0.6, color=colour, zorder=3)
    ink = BAD if beyond == BAD and not on_time and hop.end > patience else INK
    axes.text(hop.end + 0.02, row, str(hop.status), va="center", fontsize=9, color=ink, zorder=7)


def deadlines(each: Errands) -> HTML:
    """By when each hop wanted its answer, in seconds since the callers asked, against what the caller has."""
    rows = [
        (
            f"{errand.patience:g} s",
            hop.service,
            "–" if hop.given is None else f"{hop.given:.3f} s",
            f"{hop.end:.3f} s",
            hop.status,
            coloured("too late", good=False) if hop in errand.late else "",
        )
        for errand in each.errands
        for hop in errand.hops
    ]
    return table(("the caller has", "service", "asks the next until", "ended at", "answered", ""), rows)
