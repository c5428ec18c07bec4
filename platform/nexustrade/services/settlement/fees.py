"""Exchange fees: what a trade costs, and what an account is charged for its trades."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable

BASIS_POINT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """`basis_points` of the traded value, from each side of a trade."""

    basis_points: Decimal

    def fee(self, cash: Money) -> Money:
        """The exact fee on a traded value, unrounded."""
        return cash * self.basis_points * BASIS_POINT


def charge(fees: Iterable[Money], currency: str) -> Money:
    """What an account pays for these fees, in cents: the sum is rounded, never its terms."""
    return Money.total(fees, currency).quantized(places=2)
