"""An instance that has died and is struck off, and how many calls still go to its address."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import ApiClient
from lab.riskdesk.common import answered, market_of, panels, waited
from lab.style import BAD, GOOD, INK, LINE, SOFT, WARM, coloured, table

TARGET, PATH = "audit", "/v1/audit/entries?limit=1"
#: Seconds: before the second instance is registered, while it is listed, and after it was struck off.
BEFORE, LISTED, AFTER = 0.8, 3.2, 5.5
#: Seconds at the end by which every caller must have heard of it.
LATE = 2.5
#: Reads between two looks at the counters, and seconds between two reads.
BATCH, EVERY = 8, 0.02


@dataclass(frozen=True, kw_only=True)
class Look:
    """A batch of reads: seconds since the dead instance was struck off; attempts, and those in vain."""

    at: float
    attempts: int
    in_vain: int
    reads: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Every batch; `listed` is when the dead instance was registered, in seconds before it was struck off."""

    looks: tuple[Look, ...]
    listed: float
    known: tuple[str, ...]

    @property
    def late(self) -> tuple[Look, ...]:
        """The batches by which every caller must have heard of it."""
        end = self.looks[-1].at
        return tuple(look for look in self.looks if look.at > end - LATE)

    @property
    def in_vain(self) -> int:
        """Attempts that met the dead instance although it was struck off long ago."""
        return sum(look.in_vain for look in self.late)

    @property
    def failed(self) -> int:
        """Reads in that time that were not answered at all."""
        return sum(look.failed for look in self.late)

    def __str__(self) -> str:
        attempts = sum(look.attempts for look in self.late)
        return f"{self.in_vain} of {attempts} attempts meet a dead instance; {self.failed} reads fail"


def run(incident: Incident) -> Moved:
    """Reads audit's entries while Consul lists a second audit, where nobody listens, and afterwards."""
    market = market_of(incident)
    answered(market.operator.get(PATH), 200)
    looks: list[tuple[float, Look]] = []
    looks += _read(incident, market.operator, BEFORE)
    with _ghost(incident):
        listed = time.time()
        looks += _read(incident, market.operator, LISTED)
    struck = time.time()
    looks += _read(incident, market.operator, AFTER)
    waited(lambda: market.operator.get(PATH).status_code == 200, "audit answers")
    return Moved(
        looks=tuple(
            Look(
                at=at - struck,
                attempts=look.attempts,
                in_vain=look.in_vain,
                reads=look.reads,
                failed=look.failed,
            )
            for at, look in looks
        ),
        listed=listed - struck,
        known=_known(incident),
    )


@contextmanager
def _ghost(incident: Incident) -> Iterator[None]:
    """An entry in Consul for an address where nobody listens."""
    agent, name = incident.platform.consul.agent.service, f"{TARGET}-of-yesterday"
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # held, so that nobody else comes to listen there
        agent.register(TARGET, service_id=name, address="127.0.0.1", port=held.getsockname()[1])
        try:
            yield
        finally:
            agent.deregister(name)


def _known(incident: Incident) -> tuple[str, ...]:
    _, nodes = incident.platform.consul.health.service(TARGET, passing=True)
    return tuple(f"{node['Service']['Address']}:{node['Service']['Port']}" for node in nodes)


def _read(incident: Incident, client: ApiClient, seconds: float) -> list[tuple[float, Look]]:
    looks, end = [], time.monotonic() + seconds
    before = _attempts(incident)
    while time.monotonic() < end:
        failed = 0
        for _ in range(BATCH):
            failed += client.get(PATH).status_code != 200
            time.sleep(EVERY)
        after = _attempts(incident)
        all_, vain = (int(now - then) for now, then in zip(after, before, strict=True))
        looks.append((time.time(), Look(at=0.0, attempts=all_, in_vain=vain, reads=BATCH, failed=failed)))
        before = after
    return looks


def _attempts(incident: Incident) -> tuple[float, float]:
    """Attempts of the gateway to reach the service, and those that reached nobody."""
    samples = incident.platform.metrics("gateway").items()
    found = {
        name: value
        for name, value in samples
        if name.startswith("client_attempts_total") and f'"{TARGET}"' in name
    }
    return sum(found.values()), sum(value for name, value in found.items() if '"unreachable"' in name)


def chart(*runs: Moved) -> Figure:
    """The share of attempts that reached nobody, over time; two runs side by side."""
    return panels(_draw, runs, good=lambda each: not each.in_vain and not each.failed)


def _draw(axes: Axes, each: Moved) -> str:
    axes.axvspan(each.listed, 0, facecolor=LINE, alpha=0.7, linewidth=0, zorder=0)
    axes.text(each.listed / 2, 106, "listed in Consul", ha="center", fontsize=10, color=SOFT)
    axes.axvline(0, color=INK, linestyle="--", linewidth=1.6, label="struck off")
    times = [look.at for look in each.looks]
    share = [100 * look.in_vain / look.attempts if look.attempts else 0.0 for look in each.looks]
    lost = [100 * look.failed / look.reads for look in each.looks]
    colour = BAD if each.in_vain or each.failed else GOOD
    axes.fill_between(times, share, step="pre", color=colour, alpha=0.25, linewidth=0)
    axes.step(times, share, where="pre", color=colour, label=None)
    label = "attempts that meet the dead instance"
    axes.plot([], [], color=BAD if each.in_vain else INK, label=label)
    failing = [(at, value) for at, value in zip(times, lost, strict=True) if value]
    if failing:
        x, y = [at for at, _ in failing], [value for _, value in failing]
        axes.scatter(x, y, marker="x", s=36, color=WARM, label="reads that fail", zorder=4)
    axes.set_ylim(-3, 116)
    axes.set_yticks(range(0, 101, 25), [f"{value} %" for value in range(0, 101, 25)])
    axes.set_xlabel("seconds since the dead instance was struck off")
    axes.set_ylabel("share of attempts, or of reads")
    attempts = sum(look.attempts for look in each.late)
    if not each.in_vain and not each.failed:
        return "once struck off, it is forgotten"
    reads = sum(look.reads for look in each.late)
    failing_too = f", {each.failed} of {reads} reads fail" if each.failed else ""
    return f"still {each.in_vain} of {attempts} attempts in vain{failing_too}"


def phases(each: Moved) -> HTML:
    """Attempts and reads before, while and after the dead instance was listed."""
    parts = (
        ("before", [look for look in each.looks if look.at <= each.listed]),
        ("while it is listed", [look for look in each.looks if each.listed < look.at <= 0]),
        ("after it was struck off", [look for look in each.looks if look.at > 0 and look not in each.late]),
        (f"the last {LATE:g} s", list(each.late)),
    )
    rows = [
        (
            name,
            sum(look.reads for look in looks),
            sum(look.failed for look in looks),
            sum(look.attempts for look in looks),
            sum(look.in_vain for look in looks),
            _verdict(looks) if looks == list(each.late) else "",
        )
        for name, looks in parts
    ]
    return table(
        ("", "reads", "failed", "attempts", "in vain", ""),
        rows,
        caption=f"Consul lists now: {', '.join(each.known)}",
    )


def _verdict(looks: list[Look]) -> HTML:
    lost = sum(look.in_vain + look.failed for look in looks)
    return coloured("some reach nobody" if lost else "all reach audit", good=not lost)
