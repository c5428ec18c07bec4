"""In which order a list of orders is given, and where its next page starts."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from shared.errors import ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.orders.models import Order

LARGEST_QUANTITY = Decimal(10**16)  # what its column holds


class Sorting(StrEnum):
    """What a list is sorted by, falling after a minus sign; ties go by the order's id, the same way.

    By time, an index gives the rows in their order; the others sort what the filters leave.
    """

    NEWEST = "-created_at"
    OLDEST = "created_at"
    SYMBOL = "symbol"
    SYMBOL_FALLING = "-symbol"
    SMALLEST = "quantity"
    LARGEST = "-quantity"

    @property
    def column(self) -> str:
        return self.value.removeprefix("-")

    @property
    def columns(self) -> tuple[str, str]:
        """As Django's order_by takes them."""
        return self.value, "-order_id" if self.is_falling else "order_id"

    @property
    def is_falling(self) -> bool:
        return self.value.startswith("-")

    def follows(self, cursor: Cursor) -> Q:
        """What comes behind `cursor`.

        The first condition is implied by the second; it is what lets an index start at the cursor.
        """
        beyond = "lt" if self.is_falling else "gt"
        return Q(**{f"{self.column}__{beyond}e": cursor.value}) & (
            Q(**{f"{self.column}__{beyond}": cursor.value}) | Q(**{f"order_id__{beyond}": cursor.order_id})
        )


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last order of a page; the next page starts right after it."""

    value: Any
    order_id: str

    @classmethod
    def of(cls, order: Order, sort: Sorting) -> Cursor:
        return cls(getattr(order, sort.column), order.order_id)

    def encoded(self) -> str:
        """As text for a query string."""
        value = self.value.isoformat() if isinstance(self.value, datetime) else str(self.value)
        return base64.urlsafe_b64encode(f"{value} {self.order_id}".encode()).decode()

    @classmethod
    def decoded(cls, text: str, sort: Sorting = Sorting.NEWEST) -> Cursor:
        """The opposite of `encoded`; ValidationFailed for anything else."""
        try:
            value, order_id = base64.urlsafe_b64decode(text.encode()).decode().split(" ")
            return cls(_READERS[sort.column](value), order_id)
        except (ValueError, InvalidOperation, binascii.Error) as error:
            raise ValidationFailed("not a cursor of this list", field="after") from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _quantity(text: str) -> Decimal:
    quantity = Decimal(text)
    if not 0 <= quantity < LARGEST_QUANTITY:
        raise ValueError
    return quantity


_READERS: dict[str, Callable[[str], Any]] = {"created_at": _moment, "symbol": str, "quantity": _quantity}
