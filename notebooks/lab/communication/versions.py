"""Trades of four kinds of writers on one topic, and the prices at which settlement books them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grading.paths import TREE
from lab.case import Incident
from lab.communication.house import beside, last_words
from lab.market import Market
from lab.riskdesk.common import answered, market_of, panels, waited
from lab.style import ACCENT, BAD, GOOD, INK, SOFT, coloured, table

#: Writers: their version, the version that they ask of readers (0: they say nothing), and their name.
WRITERS = (
    (1, 0, "version 1"),
    (2, 0, "version 2"),
    (3, 2, "version 3, for readers of 2"),
    (3, 0, "version 3"),
)
PRICES = ("4.00", "40.00", "400.00")


@dataclass(frozen=True, kw_only=True)
class Booking:
    """One trade: the price as it was written, and as settlement booked it (None: not at all)."""

    writer: str
    written: Decimal
    booked: Decimal | None
    kept: bool

    @property
    def right(self) -> bool:
        """Booked at its price, or put aside."""
        return self.booked == self.written if self.booked is not None else self.kept


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """Every trade of every writer."""

    bookings: tuple[Booking, ...]

    @property
    def wrong(self) -> int:
        return sum(not booking.right for booking in self.bookings)

    def __str__(self) -> str:
        return f"{self.wrong} of {len(self.bookings)} trades are booked at a price that nobody wrote"


def run(incident: Incident) -> Upgrade:
    """Four writers of three versions put a trade at each price on the topic; then the books are read.

    All of them are fills, of one share each, of the same two orders.
    """
    market = market_of(incident)
    names = _two_orders(market)
    trades: list[dict[str, Any]] = [
        {**names, "version": version, "least_reader": least, "price": price, "trade_id": uuid.uuid4().hex}
        for version, least, _ in WRITERS
        for price in PRICES
    ]
    # The last one is plain to everybody: when it is booked, all before it were dealt with.
    last = {**trades[0], "version": 2, "trade_id": uuid.uuid4().hex}
    _write(incident, [*trades, last])
    waited(lambda: last["trade_id"] in _booked(market, names), "settlement books the last trade")
    booked, kept = _booked(market, names), _put_aside(incident)
    writers = [writer for *_, writer in WRITERS for _ in PRICES]
    return Upgrade(
        bookings=tuple(
            Booking(
                writer=writer,
                written=Decimal(trade["price"]),
                booked=booked.get(trade["trade_id"]),
                kept=trade["trade_id"].encode() in kept,
            )
            for writer, trade in zip(writers, trades, strict=True)
        )
    )


def _two_orders(market: Market) -> dict[str, str]:
    """Names of a large order on each side, which do not meet by themselves."""
    names = {"symbol": market.new_symbol()}
    for side, price in (("buy", "5000"), ("sell", "6000")):
        trader = market.new_trader(cash="0")
        order = answered(trader.submit(names["symbol"], side, 100, price), 201)
        names |= {f"{side}_order_id": order["order_id"], f"{side}_account_id": trader.account_id}
    return names


def _write(incident: Incident, trades: list[dict[str, Any]]) -> None:
    process = beside(incident, "engine", service="matching", tree=TREE)
    last_words(process, json.dumps(trades))


def _booked(market: Market, names: dict[str, str]) -> dict[str, Decimal]:
    """What settlement has booked: trade → price."""
    path = f"/v1/settlements?account_id={names['buy_account_id']}"
    items = answered(market.operator.get(path), 200)["items"]
    return {item["trade_id"]: Decimal(item["price"]) for item in items}


def _put_aside(incident: Incident) -> bytes:
    """All that settlement could not read, one after the other."""
    messages = incident.platform.kafka.peek("dead-letters", 1000)
    return b"\n".join(
        message.value
        for message in messages
        if message.value and "settlement" in message.headers.get("dead-letter-group", "")
    )


def chart(*runs: Upgrade) -> Figure:
    """The price as settlement booked it over the price as it was written, in powers of ten."""
    return panels(_draw, runs, height=5.0, good=lambda each: not each.wrong)


_MARKS = dict(zip((writer for *_, writer in WRITERS), ("s", "o", "D", "^"), strict=True))
_FLOOR = 1.3


def _draw(axes: Axes, each: Upgrade) -> str:
    ends = [2.0, 900.0]
    axes.plot(ends, ends, color=INK, linestyle="--", linewidth=1.6, label="booked as written", zorder=1)
    axes.plot(
        ends, [10 * end for end in ends], color=BAD, linestyle=":", linewidth=1.4, label="ten times", zorder=1
    )
    for place, writer in enumerate(_MARKS):
        found = [booking for booking in each.bookings if booking.writer == writer]
        # Side by side, or they would lie upon each other.
        x = [float(booking.written) * 1.13 ** (place - 1.5) for booking in found]
        y = [float(booking.booked) if booking.booked is not None else _FLOOR for booking in found]
        colours = [
            BAD if not booking.right else GOOD if booking.booked is not None else ACCENT for booking in found
        ]
        axes.scatter(x, y, marker=_MARKS[writer], s=62, color=colours, zorder=4)
        axes.scatter([], [], marker=_MARKS[writer], s=50, color=SOFT, label=writer)
    if any(booking.booked is None for booking in each.bookings):
        axes.text(
            1000, 1.7 * _FLOOR, "put aside, not booked", ha="right", va="center", fontsize=10, color=ACCENT
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(2, 1100)
    axes.set_ylim(0.9, 9000)
    axes.set_xticks([4, 40, 400], ["$4", "$40", "$400"])
    axes.set_yticks([4, 40, 400, 4000], ["$4", "$40", "$400", "$4,000"])
    axes.minorticks_off()
    axes.set_xlabel("price as it was written")
    axes.set_ylabel("price as settlement booked it")
    return (
        f"{each.wrong} of {len(each.bookings)} trades booked at ten times their price"
        if each.wrong
        else ("each trade at its price, or not at all")
    )


def compared(each: Upgrade) -> HTML:
    """What each writer wrote, and what became of it."""
    rows = [
        (
            booking.writer,
            f"${booking.written:,.2f}",
            "not booked" if booking.booked is None else f"${booking.booked:,.2f}",
            "on dead-letters" if booking.kept else "",
            coloured("right" if booking.right else "wrong", good=booking.right),
        )
        for booking in each.bookings
    ]
    return table(("writer", "written", "booked", "put aside", ""), rows)
