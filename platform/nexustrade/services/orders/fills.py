"""What an order has got so far, and what that cost in fees: exact sums over its fills."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from services.orders.lifecycle import Trigger
from shared.errors import Conflict
from shared.money import EXACT

AVERAGE_PRICE_PLACES = Decimal("0.00000001")


class Overfilled(Conflict):
    """A fill is larger than what is left of the order."""

    problem_type = "overfilled"
    title = "The order has less left than the fill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The filled part of an order of `quantity` shares.

    `filled_value` is the sum of price × quantity, `fees` the sum of value × rate; both to the last digit.
    """

    quantity: Decimal
    filled_quantity: Decimal = Decimal(0)
    filled_value: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)

    @property
    def remaining_quantity(self) -> Decimal:
        """Shares not yet filled."""
        return self.quantity - self.filled_quantity

    @property
    def average_price(self) -> Decimal | None:
        """The quantity-weighted price of all fills, to eight places; None before the first."""
        if not self.filled_quantity:
            return None
        return (self.filled_value / self.filled_quantity).quantize(AVERAGE_PRICE_PLACES, ROUND_HALF_EVEN)

    def filled(
        self, *, quantity: Decimal, price: Decimal, fee_rate: Decimal = Decimal(0)
    ) -> tuple[Progress, Trigger]:
        """Returns the progress after one more fill, and which trigger that is; Overfilled when too large.

        `fee_rate` is the part of the value that the exchange takes: 0.00005 is half a basis point.
        """
        if quantity > self.remaining_quantity:
            raise Overfilled(remaining=str(self.remaining_quantity), quantity=str(quantity))
        value = EXACT.multiply(quantity, price)
        after = Progress(
            quantity=self.quantity,
            filled_quantity=self.filled_quantity + quantity,
            filled_value=EXACT.add(self.filled_value, value),
            fees=EXACT.add(self.fees, EXACT.multiply(value, fee_rate)),
        )
        return after, Trigger.PARTIAL_FILL if after.remaining_quantity else Trigger.FINAL_FILL
