"""What the engine is told: commands in the imperative, prices in ticks, quantities in lots."""

from __future__ import annotations

from typing import Final, NamedTuple

DAY: Final = "day"
GTC: Final = "gtc"
IOC: Final = "ioc"
FOK: Final = "fok"
RESTS: Final = frozenset({DAY, GTC})

# The trading status of a symbol.
OPEN: Final = "open"
HALTED: Final = "halted"
CLOSED: Final = "closed"

CONTINUOUS: Final = "CONTINUOUS"


class Submit(NamedTuple):
    """A new order: `price` is its limit, None for a market order.

    With a `stop_price` it waits until a trade reaches that price. `session` is the ordinal of the trading
    date of `calendar` at whose end a day order leaves.
    """

    order_id: str
    account_id: str
    side: int
    quantity: int
    price: int | None
    time_in_force: str = DAY
    session: int = 0
    stop_price: int | None = None
    calendar: str = CONTINUOUS


class Cancel(NamedTuple):
    """A request to take an order out of the book."""

    order_id: str


class Replace(NamedTuple):
    """What is open of an order becomes `quantity`; a price of None stays as it is.

    `closed` are the calendars that were outside their session when this was asked for.
    """

    order_id: str
    quantity: int
    price: int | None
    closed: tuple[str, ...] = ()


class Refuse(NamedTuple):
    """An order that may not trade: it is cancelled whole, for that reason."""

    order_id: str
    account_id: str
    quantity: int
    reason: str


class EndSession(NamedTuple):
    """Day orders of trading dates of `calendar` up to and including the ordinal `session` expire."""

    session: int
    calendar: str = CONTINUOUS


class SetStatus(NamedTuple):
    """The symbol is open, halted or closed from now on."""

    status: str


Command = Submit | Cancel | Replace | Refuse | EndSession | SetStatus
