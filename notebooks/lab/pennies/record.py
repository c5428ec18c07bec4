"""A day of partial fills, as the books of the platform have it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from lab.trading.panels import plural


@dataclass(frozen=True, kw_only=True)
class Fill:
    """A part of a bid: what the trade says, and the fee that settlement keeps for the buyer's side.

    `offer` is the id of the order that was sold to the bid.
    """

    offer: str
    bid: Decimal
    price: Decimal
    quantity: Decimal
    fee: Decimal

    @property
    def cash(self) -> Decimal:
        return self.price * self.quantity


@dataclass(frozen=True, kw_only=True)
class Bid:
    """An order of the fund, filled whole; `value` is what the platform says that it cost.

    `refused` is the id of an offer at the very price of the bid that found no buyer, empty without one.
    """

    order_id: str
    symbol: str
    price: Decimal
    value: Decimal
    fills: tuple[Fill, ...]
    refused: str

    @property
    def cash(self) -> Decimal:
        """What its trades add up to."""
        return sum((fill.cash for fill in self.fills), Decimal(0))


@dataclass(frozen=True, kw_only=True)
class Day:
    """All bids of a day, symbol by symbol in the order of time."""

    account_id: str
    bids: tuple[Bid, ...]

    @property
    def symbols(self) -> list[str]:
        return list(dict.fromkeys(bid.symbol for bid in self.bids))

    @property
    def fills(self) -> list[Fill]:
        return [fill for bid in self.bids for fill in bid.fills]

    @property
    def trades(self) -> int:
        return len(self.fills)

    @property
    def refused(self) -> list[str]:
        """Ids of offers at the price of the best bid that were not filled."""
        return [bid.refused for bid in self.bids if bid.refused]

    @property
    def example(self) -> str:
        """An order to look into: an offer that was not filled, else the first bid."""
        return next(iter(self.refused), self.bids[0].order_id)

    def __str__(self) -> str:
        return (
            f"{plural(len(self.bids), 'bid')} in {plural(len(self.symbols), 'symbol')}, "
            f"filled in {plural(self.trades, 'trade')}; "
            f"{plural(len(self.refused), 'offer')} at the very price of a bid not filled"
        )
