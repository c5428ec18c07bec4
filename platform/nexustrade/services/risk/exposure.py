"""How much of an account's limit an order takes, keeps and gives back.

An open order holds price × quantity. A fill turns its share of that into position exposure; what the fill was
cheaper by is given back. The sum never grows on a fill, so a limit that held at reservation holds for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from shared.errors import ValidationFailed

AMOUNT_PLACES = Decimal("0.0000000001")


class ReferencePriceMissing(ValidationFailed):
    """A market order in a symbol that has not traded yet has no price to be valued at."""

    problem_type = "no-reference-price"
    title = "No reference price"


def reservation_amount(
    *, quantity: Decimal, price: Decimal | None, last_price: Decimal | None, collar: Decimal
) -> Decimal:
    """Returns the exposure of an order, rounded up to ten places.

    A limit order is valued at its price, a market order at the last price times `collar` (1.05 = five percent
    above it: room for the book to move before it fills). ReferencePriceMissing when it has neither.
    """
    if price is None:
        if last_price is None:
            raise ReferencePriceMissing("no reference price for a market order", field="price")
        price = last_price * collar
    return (price * quantity).quantize(AMOUNT_PLACES, ROUND_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The part of a reservation that waits for fills: shares and the exposure held for them."""

    quantity: Decimal
    amount: Decimal

    def consumed(self, *, quantity: Decimal, price: Decimal) -> Consumption:
        """Returns what a fill keeps and gives back; the last share takes the exact rest."""
        if quantity >= self.quantity:
            share = self.amount
        else:
            share = (self.amount * quantity / self.quantity).quantize(AMOUNT_PLACES, ROUND_UP)
        kept = min(share, quantity * price)
        rest = Hold(quantity=max(self.quantity - quantity, Decimal(0)), amount=self.amount - share)
        return Consumption(kept=kept, released=share - kept, rest=rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumption:
    """One fill's effect on a hold: exposure `kept` as position, `released` as improvement, and the `rest`."""

    kept: Decimal
    released: Decimal
    rest: Hold
