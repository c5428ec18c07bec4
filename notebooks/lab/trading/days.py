"""Which day a trade belongs to, and when it settles."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

import holidays
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lab.case import Incident
from lab.style import BAD, GOOD, LINE, SOFT, coloured, table
from lab.trading.desk import Desk, Print, market_time
from lab.trading.panels import panels, plural

NEW_YORK = ZoneInfo("America/New_York")
ONE_DAY = timedelta(days=1)
SHOWN_DAYS = 6


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a trade is made, by the clock in New York, and what the exchange's rules make of it."""

    at: datetime
    settles: date

    @property
    def trading_day(self) -> date:
        """The exchange's date."""
        return self.at.date()


def _moment(at: str, settles: str) -> Moment:
    return Moment(at=datetime.fromisoformat(at).replace(tzinfo=NEW_YORK), settles=date.fromisoformat(settles))


#: Afternoons and late evenings, before ordinary days, weekends and holidays; all settle on T+1.
MOMENTS = (
    _moment("2026-01-13 15:30", "2026-01-14"),
    _moment("2026-01-13 19:30", "2026-01-14"),
    _moment("2026-07-02 15:30", "2026-07-06"),
    _moment("2026-07-14 19:30", "2026-07-15"),
    _moment("2026-07-15 21:30", "2026-07-16"),
    _moment("2026-07-16 21:30", "2026-07-17"),
    _moment("2026-07-17 15:30", "2026-07-20"),
    _moment("2026-07-17 21:30", "2026-07-20"),
    _moment("2026-11-25 20:00", "2026-11-27"),
    _moment("2026-12-31 22:00", "2027-01-04"),
)


@dataclass(frozen=True, kw_only=True)
class Booking:
    """A trade as settlement dated it; None where it never got there."""

    moment: Moment
    trade_date: date | None
    settlement_date: date | None

    @property
    def right(self) -> bool:
        return (self.trade_date, self.settlement_date) == (self.moment.trading_day, self.moment.settles)


@dataclass(frozen=True, kw_only=True)
class Dated:
    """Trades at chosen moments, each with the days that it was given."""

    symbol: str
    bookings: tuple[Booking, ...]

    @property
    def wrong(self) -> int:
        return sum(not booking.right for booking in self.bookings)

    def __str__(self) -> str:
        return f"{self.symbol}: {plural(len(self.bookings), 'trade')}, {self.wrong} dated wrongly"


def dated(incident: Incident, *, moments: Sequence[Moment] = MOMENTS) -> Dated:
    """Turns the market clock to each moment in turn and makes one trade there."""
    desk = Desk(incident)
    pairs = []
    with market_time(incident) as turn:
        for moment in moments:
            turn(moment.at)
            sell = desk.sell(10, "50.00", time_in_force="gtc")
            desk.buy(10, "50.00", time_in_force="gtc")
            pairs.append(sell)
            # The clock may only go on when the trade was made.
            desk.tape(lambda trades: any(trade.sell_order_id == pairs[-1] for trade in trades))
        found = {trade.sell_order_id: trade for trade in desk.tape()}
    made = zip(moments, pairs, strict=True)
    return Dated(
        symbol=desk.symbol, bookings=tuple(_booking(moment, found.get(sell)) for moment, sell in made)
    )


def _booking(moment: Moment, trade: Print | None) -> Booking:
    return Booking(
        moment=moment,
        trade_date=trade.trade_date if trade else None,
        settlement_date=trade.settlement_date if trade else None,
    )


def rows(run: Dated) -> HTML:
    """The trades as a table."""
    return table(
        ("made, New York", "booked on", "settles on", "by the rules", ""),
        [
            (
                f"{each.moment.at:%a %d %b %Y %H:%M}",
                _day(each.trade_date),
                _day(each.settlement_date),
                f"{_day(each.moment.trading_day)}, {_day(each.moment.settles)}",
                coloured("right" if each.right else "wrong", good=each.right),
            )
            for each in run.bookings
        ],
        caption="Trades and their days",
    )


def chart(*runs: Dated, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """A row a trade, a cell a day: where it was booked (T) and where it settles (S)."""
    with panels(runs, titles, width=6.6, height=0.8 + 0.46 * len(runs[0].bookings)) as (figure, each):
        for axes, run, lead in each:
            said = (
                f"{run.wrong} of {plural(len(run.bookings), 'trade')} dated wrongly"
                if run.wrong
                else "every trade on its day"
            )
            axes.set_title(f"{lead}{said}", fontsize=12.5)
            _panel(axes, run)
        labels = [f"{booking.moment.at:%a %d %b, %H:%M}" for booking in runs[0].bookings]
        each[0][0].set_yticks(range(len(labels)), labels, fontsize=9.5)
        each[0][0].set_ylabel("made at, New York time")
        return figure


def _panel(axes: Axes, run: Dated) -> None:
    for row, each in enumerate(run.bookings):
        first = each.moment.trading_day
        for column in range(SHOWN_DAYS):
            _cell(axes, column, row, first + column * ONE_DAY)
        for letter, wanted, got in (
            ("S", each.moment.settles, each.settlement_date),
            ("T", each.moment.trading_day, each.trade_date),
        ):
            _mark(axes, letter, (wanted - first).days, None if got is None else (got - first).days, row)
    axes.set_xlim(-0.5, SHOWN_DAYS - 0.5)
    axes.set_ylim(len(run.bookings) - 0.5, -0.5)
    axes.set_xticks(range(SHOWN_DAYS), ["day of\nthe trade", *(f"+{n}" for n in range(1, SHOWN_DAYS))])
    axes.set_xlabel("calendar days · grey: the exchange is closed · T: booked, S: settles")
    axes.grid(visible=False)
    axes.tick_params(length=0)


def _cell(axes: Axes, column: int, row: int, day: date) -> None:
    colour = LINE if _closed(day) else "white"
    axes.add_patch(
        Rectangle((column - 0.47, row - 0.44), 0.94, 0.88, facecolor=colour, edgecolor=LINE, linewidth=1)
    )
    axes.text(column - 0.43, row + 0.36, f"{day:%a %d}", fontsize=7, color=SOFT)


def _mark(axes: Axes, letter: str, wanted: int, got: int | None, row: int) -> None:
    aside = -0.2 if letter == "T" else 0.2
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontweight": "bold", "fontsize": 11}
    if got != wanted:
        axes.text(wanted + aside, row - 0.1, letter, color=SOFT, alpha=0.45, **style)
    if got is not None:
        place = min(max(got, 0), SHOWN_DAYS - 1)
        colour = GOOD if got == wanted else BAD
        box = {"boxstyle": "round,pad=0.22", "facecolor": colour, "edgecolor": "none"}
        axes.text(place + aside, row - 0.1, letter, color="white", bbox=box, **style)


@cache
def _closures() -> Container[date]:
    return cast(Container[date], holidays.financial_holidays("NYSE"))


def _closed(day: date) -> bool:
    return day.weekday() >= 5 or day in _closures()


def _day(day: date | None) -> str:
    return "–" if day is None else f"{day:%a %d %b %Y}"
