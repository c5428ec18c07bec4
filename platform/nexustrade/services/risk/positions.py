"""Positions at cost: what is held, what it cost, what has been earned and what closing it would earn.

The cost is kept rather than the average price, so that nothing is lost to rounding: realised profit plus the
cost of what is left always equals the cash that was paid and received.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

COST_PLACES = Decimal("0.0000000001")
AVERAGE_PRICE_PLACES = Decimal("0.00000001")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Signed shares (short below zero), their signed cost, realised profit, and the exposure in use."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    exposure: Decimal = ZERO

    @property
    def average_price(self) -> Decimal | None:
        """Cost per share, to eight places; None when flat."""
        if not self.quantity:
            return None
        return (self.cost / self.quantity).quantize(AVERAGE_PRICE_PLACES, ROUND_HALF_EVEN)

    def unrealized_pnl(self, last_price: Decimal | None) -> Decimal:
        """What closing everything at `last_price` would earn; zero when flat or unpriced."""
        if last_price is None or not self.quantity:
            return ZERO
        return self.quantity * last_price - self.cost

    def traded(self, *, side: str, quantity: Decimal, price: Decimal, exposure: Decimal) -> Holding:
        """Returns the holding after a trade that brought `exposure` in.

        A trade against the position closes first: it realises profit and frees the exposure of both sides;
        only what goes beyond zero opens a position the other way.
        """
        signed = quantity if side == "buy" else -quantity
        if self.quantity * signed >= 0:
            return self.opened(signed, price, exposure)
        closing = min(quantity, abs(self.quantity))
        opening = quantity - closing
        rest = self._closed(closing, price)
        if not opening:
            return rest
        part = (exposure * opening / quantity).quantize(COST_PLACES, ROUND_HALF_EVEN)
        return rest.opened(opening if signed > 0 else -opening, price, part)

    def opened(self, signed: Decimal, price: Decimal, exposure: Decimal) -> Holding:
        """Returns the holding with `signed` more shares in the direction that it already has."""
        return Holding(
            quantity=self.quantity + signed,
            cost=self.cost + signed * price,
            realized_pnl=self.realized_pnl,
            exposure=self.exposure + exposure,
        )

    def _closed(self, closing: Decimal, price: Decimal) -> Holding:
        held = abs(self.quantity)
        signed = closing if self.quantity > 0 else -closing
        cost = self._share(self.cost, closing, held)
        return Holding(
            quantity=self.quantity - signed,
            cost=self.cost - cost,
            realized_pnl=self.realized_pnl + signed * price - cost,
            exposure=self.exposure - self._share(self.exposure, closing, held),
        )

    @staticmethod
    def _share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
        if part == of:
            return whole
        return (whole * part / of).quantize(COST_PLACES, ROUND_HALF_EVEN)
