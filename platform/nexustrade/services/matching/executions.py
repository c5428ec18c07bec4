"""What the engine answers: facts in the past tense, each with its number in the symbol's sequence."""

from __future__ import annotations

from typing import Final, NamedTuple

REQUESTED: Final = "requested"
UNFILLED: Final = "unfilled"
SESSION_END: Final = "session_end"
SELF_TRADE: Final = "self_trade"
HALTED_REASON: Final = "halted"
MARKET_CLOSED: Final = "market_closed"


class Trade(NamedTuple):
    """An execution at the resting order's price, in ticks and lots."""

    sequence: int
    price: int
    quantity: int
    side: int
    taker_order_id: str
    taker_account_id: str
    maker_order_id: str
    maker_account_id: str


class Cancelled(NamedTuple):
    """What was left of an order, in lots, will not execute any more."""

    sequence: int
    order_id: str
    account_id: str
    quantity: int
    reason: str


class Replaced(NamedTuple):
    """What is open of an order, in lots, and its limit in ticks, None where it has none."""

    sequence: int
    order_id: str
    account_id: str
    quantity: int
    price: int | None


class Triggered(NamedTuple):
    """A stop order became active because of a trade at `price`, in ticks."""

    sequence: int
    order_id: str
    account_id: str
    price: int


class StatusChanged(NamedTuple):
    """The symbol's trading status is another one from now on."""

    sequence: int
    status: str


Execution = Trade | Cancelled | Replaced | Triggered | StatusChanged
