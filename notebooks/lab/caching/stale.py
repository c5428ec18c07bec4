"""A price that was corrected while somebody was asking for it, and what readers are shown afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.errors import LabError
from lab.market import ApiClient, expect
from lab.riskdesk.common import answered, market_of, panels, waited
from lab.style import BAD, GOOD, INK, coloured, table

SYMBOL, FIELD = "GOOGL", "previous_close"
#: Dollars by which the exchange was wrong.
OFF = Decimal("1.25")
#: Seconds of looking, ten times a second: longer than a quote lives.
SECONDS, LOOKS = 3.5, 10
#: The feed is held up for a moment; a machine that makes it a long one gets more tries.
ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a reader was shown, `at` seconds after the symbol was forgotten."""

    at: float
    shown: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A close of yesterday, wrong and corrected, and the looks of readers from the correction on."""

    wrong: str
    right: str
    looks: tuple[Look, ...]

    @property
    def stale(self) -> list[Look]:
        """Looks that were shown what is known to be wrong."""
        return [look for look in self.looks if look.shown != self.right]

    @property
    def seconds(self) -> float:
        """From the correction to the last reader who was shown the wrong price."""
        return max((look.at for look in self.stale), default=0.0)

    def __str__(self) -> str:
        return (
            f"{len(self.stale)} of {len(self.looks)} readers are shown the price from before the correction"
        )


def correction(incident: Incident) -> Correction:
    """A slow reader asks, the price is corrected, the symbol is forgotten, and then the reader is answered.

    After that others look, for some seconds.
    """
    client = market_of(incident).new_user()[0]
    for _ in range(ATTEMPTS):
        found = _once(incident, client)
        if found is not None:
            return found
    raise LabError("the feed could not be held up for a moment: the machine is too busy, run the cell again")


def _once(incident: Incident, client: ApiClient) -> Correction | None:
    """None when the slow reader did not get what the feed said at first: it was held up for too long."""
    exchange = incident.platform.exchange
    _forget(incident)
    wrong = str(answered(_quote(client), 200)[FIELD])
    right = str(Decimal(wrong) + OFF)
    _forget(incident)
    with ThreadPoolExecutor(1) as pool:
        exchange.hold()
        try:
            slow = pool.submit(_quote, client)
            waited(lambda: exchange.waiting() >= 1, "the slow reader's call reaches the feed")
            exchange.correct(SYMBOL, **{FIELD: right})
            _forget(incident)
        finally:
            exchange.release()
        told = slow.result()
    if told.status_code != 200 or told.json()[FIELD] != wrong:
        return None
    return Correction(wrong=wrong, right=right, looks=tuple(_looks(lambda: _quote(client))))


def _looks(quote: Callable[[], Any]) -> list[Look]:
    begin, looks, pause = time.monotonic(), list[Look](), threading.Event()
    for number in range(int(SECONDS * LOOKS)):
        # The spacing of the traffic itself.
        pause.wait(max(0.0, begin + number / LOOKS - time.monotonic()))
        at = time.monotonic() - begin
        looks.append(Look(at=at, shown=str(answered(quote(), 200)[FIELD])))
    return looks


def _forget(incident: Incident) -> None:
    expect(incident.market.operator.delete(f"/v1/market/consolidated/{SYMBOL}"), 204)


def _quote(client: ApiClient) -> Any:
    return client.get(f"/v1/market/consolidated/{SYMBOL}")


def chart(*runs: Correction) -> Figure:
    """A dot a reader, at the price that he was shown, over the time since the correction."""
    return panels(_draw, runs, good=lambda run: not run.stale, height=3.8)


def _draw(axes: Axes, run: Correction) -> str:
    for good, colour, label in (
        (False, BAD, "shown the old price"),
        (True, GOOD, "shown the corrected price"),
    ):
        looks = [look for look in run.looks if (look.shown == run.right) is good]
        axes.plot([look.at for look in looks], [int(good)] * len(looks), "o", color=colour, label=label)
    axes.axvline(0, color=INK, linestyle="--", linewidth=1.4, label="corrected, and forgotten by all")
    if run.stale:
        axes.axvspan(0, run.seconds, color=BAD, alpha=0.1, linewidth=0)
    axes.set_yticks([0, 1], [f"${run.wrong}\nbefore", f"${run.right}\ncorrected"])
    axes.set_ylim(-0.6, 1.6)
    axes.set_xlabel("seconds since the symbol was forgotten")
    axes.grid(axis="y", visible=False)
    return (
        f"the old price is shown for {run.seconds:.1f} s more"
        if run.stale
        else "the old price is gone at once"
    )


def story(run: Correction) -> HTML:
    """What happened, step by step, and what the first and the last reader were shown."""
    steps: list[tuple[str, Any]] = [
        ("a reader asks, and the feed takes its time", f"the close was ${run.wrong}"),
        ("the exchange corrects the close", f"it was ${run.right}"),
        ("operations have the symbol forgotten", "nothing is kept"),
        ("the feed answers the reader who still waits", f"${run.wrong}, as when he asked"),
    ]
    for name, look in (
        ("the next reader is shown", run.looks[0]),
        ("the last of them is shown", run.looks[-1]),
    ):
        steps.append((name, coloured(f"${look.shown}", good=look.shown == run.right)))
    return table(("step", ""), steps)
