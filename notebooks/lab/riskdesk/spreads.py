"""Spreads: several orders that are worth something only together, sent as one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import Market
from lab.riskdesk.common import answered, market_of, panels, waited
from lab.style import BAD, GOOD, INK, SOFT, coloured, table

ROOM = Decimal(100_000)
#: What each leg of each spread is worth, in thousands of dollars.
SPREADS = ((40, 40), (60, 60), (30, 30, 30), (50, 40, 40), (120, 20), (90, 40))
LIVE = frozenset({"accepted", "partially_filled", "filled"})


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One order of a spread: its worth in dollars and where it ended."""

    worth: Decimal
    status: str

    @property
    def live(self) -> bool:
        return self.status in LIVE


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One spread: the status that its sender was answered, and its legs as they were sent."""

    answer: int
    legs: tuple[Leg, ...]
    account_id: str

    @property
    def live(self) -> int:
        return sum(leg.live for leg in self.legs)

    @property
    def fits(self) -> bool:
        return sum(leg.worth for leg in self.legs) <= ROOM

    @property
    def right(self) -> bool:
        """All legs live when the whole fits, none when it does not."""
        return self.live == (len(self.legs) if self.fits else 0)

    @property
    def whole(self) -> bool:
        return self.live in {0, len(self.legs)}


@dataclass(frozen=True, kw_only=True)
class Spreads:
    """What became of a number of spreads."""

    spreads: tuple[Spread, ...]

    @property
    def halves(self) -> int:
        """How many are live in part."""
        return sum(not spread.whole for spread in self.spreads)

    def __str__(self) -> str:
        return f"{self.halves} of {len(self.spreads)} spreads are live in part"


def run(incident: Incident) -> Spreads:
    """Sends six spreads, each from a new account with room for 100,000 dollars."""
    market = market_of(incident)
    symbols = [market.new_symbol() for _ in range(max(map(len, SPREADS)))]
    return Spreads(spreads=tuple(_send(incident, market, symbols, worths) for worths in SPREADS))


def _send(incident: Incident, market: Market, symbols: list[str], worths: tuple[int, ...]) -> Spread:
    trader = market.new_trader(limit=str(ROOM), used="0", cash="0")
    legs = [
        {
            "symbol": symbol,
            "side": "sell" if number % 2 else "buy",
            "order_type": "limit",
            "time_in_force": "day",
            "quantity": str(worth * 10),
            "price": "100",
        }
        for number, (symbol, worth) in enumerate(zip(symbols, worths, strict=False))
    ]
    answer = trader.client.post(
        "/v1/spreads",
        json={"account_id": trader.account_id, "legs": legs},
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    answered(answer, 201, 202, 409)
    found = _statuses(incident, trader.account_id)
    return Spread(
        answer=answer.status_code,
        account_id=trader.account_id,
        legs=tuple(
            Leg(worth=Decimal(worth) * 1000, status=found.get(symbol, "not sent"))
            for symbol, worth in zip(symbols, worths, strict=False)
        ),
    )


def _statuses(incident: Incident, account_id: str) -> dict[str, str]:
    query = "SELECT symbol, status FROM orders_order WHERE account_id = %s"

    def decided() -> dict[str, str] | None:
        rows = incident.platform.sql("orders_db", query, (account_id,))
        found = {row["symbol"]: row["status"] for row in rows}
        return None if "pending" in found.values() else found or {"": ""}

    return waited(decided, "the legs of a spread are decided") or {}


def chart(*runs: Spreads) -> Figure:
    """A bar a spread, a part a leg, against the account's room; two runs side by side."""
    return panels(_draw, runs, good=lambda each: not each.halves)


def _draw(axes: Axes, each: Spreads) -> str:
    for row, spread in enumerate(each.spreads):
        left = 0.0
        for leg in spread.legs:
            _bar(axes, row, left, leg, half=not spread.whole)
            left += float(leg.worth) / 1000
        said = f"{spread.live} of {len(spread.legs)} live"
        axes.text(146, row, said, va="center", fontsize=10, fontweight="bold", color=_colour(spread))
    limit = float(ROOM) / 1000
    axes.axvline(limit, color=BAD, linestyle="--", linewidth=1.6, label=f"the account's room, ${limit:.0f} k")
    axes.set_yticks(range(len(each.spreads)), [f"spread {row + 1}" for row in range(len(each.spreads))])
    axes.set_ylim(len(each.spreads) - 0.4, -0.6)
    axes.set_xlim(0, 176)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("worth of the legs, thousands of dollars")
    for colour, label in ((GOOD, "leg live, its spread whole"), (BAD, "leg live without the others")):
        axes.fill_between([], [], color=colour, label=label)
    axes.fill_between([], [], facecolor="white", edgecolor=SOFT, linestyle=":", label="leg refused")
    return f"{each.halves} of {len(each.spreads)} spreads are live in part"


def _bar(axes: Axes, row: int, left: float, leg: Leg, *, half: bool) -> None:
    worth = float(leg.worth) / 1000
    colour = (BAD if half else GOOD) if leg.live else "white"
    axes.barh(
        row,
        worth,
        left=left,
        height=0.62,
        color=colour,
        edgecolor="white" if leg.live else SOFT,
        linestyle="-" if leg.live else ":",
    )
    ink = "white" if leg.live else INK
    axes.text(
        left + worth / 2,
        row,
        f"${worth:.0f} k",
        ha="center",
        va="center",
        fontsize=9.5,
        color=ink,
        zorder=5,
        bbox={"facecolor": colour, "edgecolor": "none", "pad": 1.5},
    )


def _colour(spread: Spread) -> str:
    return GOOD if spread.right else BAD


def answers(each: Spreads) -> HTML:
    """What the sender of each spread was told, against what became of its legs."""
    rows = [
        (
            f"spread {number}",
            " + ".join(f"${leg.worth / 1000:.0f} k" for leg in spread.legs),
            "fits" if spread.fits else "does not fit",
            spread.answer,
            ", ".join(leg.status for leg in spread.legs),
            coloured("whole" if spread.whole else "in part", good=spread.whole),
        )
        for number, spread in enumerate(each.spreads, start=1)
    ]
    return table(("spread", "legs", f"in ${ROOM / 1000:.0f} k", "answer", "legs are", ""), rows)
