"""Three books of a day, each reported against exact: trades, orders, fees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any

from IPython.display import HTML

from lab.case import Incident
from lab.errors import LabError
from lab.pennies.record import Bid, Day
from lab.style import coloured, table

#: Half a basis point of the traded value: `settlement.fee_basis_points`.
RATE = Decimal("0.00005")
#: What rounding a figure once to cents may cost, for comparison: a book may not be off at all.
HALF_A_CENT = Decimal("0.005")

Steps = tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True, kw_only=True)
class Book:
    """One comparison. `of` gives, for each bid, (fills, dollars reported − dollars exact), step by step."""

    name: str
    service: str
    means: str
    of: Callable[[Bid], Steps]

    def drift(self, day: Day, symbol: str) -> Steps:
        """(trades so far, dollars that the book is ahead of exact) over the day of a symbol."""
        steps = [step for bid in day.bids if bid.symbol == symbol for step in self.of(bid)]
        counts = accumulate(count for count, _ in steps)
        return tuple(zip(counts, accumulate(dollars for _, dollars in steps), strict=True))

    def off(self, day: Day) -> Decimal:
        """Dollars by which the symbols are off at the end, up or down, added up."""
        return sum((abs(self.drift(day, symbol)[-1][1]) for symbol in day.symbols), Decimal(0))

    def right(self, day: Day) -> bool:
        """Whether no symbol was off at any time, not by the last digit."""
        return not any(dollars for symbol in day.symbols for _, dollars in self.drift(day, symbol))


def _trades(bid: Bid) -> Steps:
    return tuple((1, (fill.price - fill.bid) * fill.quantity) for fill in bid.fills)


def _orders(bid: Bid) -> Steps:
    return ((len(bid.fills), bid.value - bid.cash),)


def _fees(bid: Bid) -> Steps:
    return tuple((1, fill.fee - fill.cash * RATE) for fill in bid.fills)


BOOKS = (
    Book(name="trades", service="matching", means="trades − the bids that they filled", of=_trades),
    Book(name="orders", service="orders", means="value of the orders − their trades", of=_orders),
    Book(name="fees", service="settlement", means="fees kept − ½ basis point of each trade", of=_fees),
)


def compared(day: Day) -> HTML:
    """A row for each symbol: dollars by which each book is ahead of exact at the end of the day."""
    return table(
        ("symbol", "trades", *(f"{book.name} ({book.means})" for book in BOOKS)),
        [
            (
                f"{number} · {symbol}",
                sum(len(bid.fills) for bid in day.bids if bid.symbol == symbol),
                *(_cell(book.drift(day, symbol)[-1][1]) for book in BOOKS),
            )
            for number, symbol in enumerate(day.symbols, start=1)
        ],
        caption="dollars, reported − exact",
    )


def _cell(dollars: Decimal) -> HTML:
    return coloured(f"{dollars:+.4f}", good=not dollars)


def single_fills(day: Day, *, count: int = 8) -> HTML:
    """The first fills one by one, with every digit that the books have."""
    rows = [
        (
            bid.symbol,
            f"{fill.bid:f}",
            f"{fill.price.normalize():f}",
            fill.quantity,
            f"{fill.cash:.4f}",
            f"{fill.fee.normalize():f}",
            f"{fill.cash * RATE:.7f}",
        )
        for bid in day.bids
        for fill in bid.fills
    ]
    heads = ("symbol", "bid, $", "trade, $", "shares", "cash, $", "fee kept, $", "½ basis point of it, $")
    return table(heads, rows[:count])


def evidence(incident: Incident, day: Day) -> dict[str, list[dict[str, Any]]]:
    """The spans of a filled offer in the services that keep the three books, for a waterfall."""
    fill = day.fills[1]
    lines = incident.platform.logs("orders", order_id=fill.offer)
    trace_id = next((str(line["trace_id"]) for line in lines if line.get("trace_id")), "")
    if not trace_id:
        raise LabError(f"orders has logged nothing about order {fill.offer}")
    kept = {book.service for book in BOOKS}
    spans = [span for span in incident.trace(trace_id) if span["service"] in kept]
    return {f"an offer of {fill.quantity.normalize():f} shares, filled at ${fill.price.normalize():f}": spans}
