"""Prices, quantities and sums of money: exact decimals with explicit tick, lot and rounding.

All three are immutable, hashable and comparable with their own kind only. They are built from Decimal, int or
text; a float raises TypeError, because 0.1 is not a tenth in binary. Arithmetic is exact: nothing is rounded
unless a rounding is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias

from shared.errors import ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

Number: TypeAlias = Decimal | int | str
DEFAULT_CURRENCY = "USD"

# Wide enough for every product of two amounts within bounds; what would still be rounded raises instead.
EXACT = Context(prec=120, Emax=999, Emin=-999, traps=[Inexact, InvalidOperation, Overflow])
_ROUNDED = Context(prec=120, Emax=999, Emin=-999, traps=[InvalidOperation, Overflow])
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class InvalidAmount(ValidationFailed, ValueError):
    """A number that is no amount: not finite, malformed, out of bounds, or off the grid of ticks or lots."""


@dataclass(frozen=True, slots=True, order=True, init=False, repr=False)
class _Amount:
    """An exact decimal with bounds; `digits` before and `places` after the decimal point at most."""

    amount: Decimal

    digits: ClassVar[int] = 18
    places: ClassVar[int] = 18

    def __init__(self, amount: Number) -> None:
        object.__setattr__(self, "amount", _decimal(amount, type(self).__name__, self.digits, self.places))

    def __str__(self) -> str:
        return f"{self.amount:f}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(EXACT.add(self.amount, other.amount))

    def __sub__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(EXACT.subtract(self.amount, other.amount))

    @classmethod
    def _on_grid(cls, value: Number, step: Number, rounding: str | None) -> Self:
        units = _units(cls(value).amount, step, cls.__name__, rounding)
        return cls._from_units(units, step)

    @classmethod
    def _from_units(cls, units: int, step: Number) -> Self:
        return cls(EXACT.multiply(Decimal(units), _step(step)))


@dataclass(frozen=True, slots=True, order=True, init=False, repr=False)
class Price(_Amount):
    """Money per unit; may be zero or negative, which some instruments are."""

    @classmethod
    def of(cls, value: Number, tick_size: Number, *, rounding: str | None = None) -> Self:
        """The price on the grid of `tick_size`; InvalidAmount when it lies between two ticks.

        With `rounding` (a rounding mode of the decimal module) it goes to a tick instead.
        """
        return cls._on_grid(value, tick_size, rounding)

    @classmethod
    def from_ticks(cls, ticks: int, tick_size: Number) -> Self:
        return cls._from_units(ticks, tick_size)

    def ticks(self, tick_size: Number) -> int:
        """How many ticks; InvalidAmount when the price lies between two."""
        return _units(self.amount, tick_size, "Price", None)

    def notional(self, quantity: Quantity, currency: str = DEFAULT_CURRENCY) -> Money:
        """What `quantity` costs at this price, exactly."""
        return Money(EXACT.multiply(self.amount, quantity.amount), currency)

    def __mul__(self, quantity: Quantity) -> Money:
        return self.notional(quantity) if isinstance(quantity, Quantity) else NotImplemented


@dataclass(frozen=True, slots=True, order=True, init=False, repr=False)
class Quantity(_Amount):
    """A number of shares or contracts, never negative."""

    def __init__(self, amount: Number) -> None:
        _Amount.__init__(self, amount)
        if self.amount < 0:
            raise InvalidAmount(f"a quantity cannot be negative: {self.amount}", field="quantity")

    @classmethod
    def of(cls, value: Number, lot_size: Number = 1, *, rounding: str | None = None) -> Self:
        """The quantity on the grid of `lot_size`; InvalidAmount when it is no multiple of it.

        With `rounding` (a rounding mode of the decimal module) it goes to a multiple instead.
        """
        return cls._on_grid(value, lot_size, rounding)

    @classmethod
    def from_lots(cls, lots: int, lot_size: Number = 1) -> Self:
        return cls._from_units(lots, lot_size)

    def lots(self, lot_size: Number = 1) -> int:
        """How many lots; InvalidAmount when it is no whole number."""
        return _units(self.amount, lot_size, "Quantity", None)

    def __mul__(self, price: Price) -> Money:
        return price.notional(self) if isinstance(price, Price) else NotImplemented


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Money:
    """A sum in one currency; adding or comparing two currencies raises InvalidAmount."""

    amount: Decimal
    currency: str

    def __init__(self, amount: Number, currency: str = DEFAULT_CURRENCY) -> None:
        if not _CURRENCY.fullmatch(currency):
            raise InvalidAmount(f"not a currency code: {currency!r}", field="currency")
        object.__setattr__(self, "amount", _decimal(amount, "Money", 40, 40))
        object.__setattr__(self, "currency", currency)

    @classmethod
    def zero(cls, currency: str = DEFAULT_CURRENCY) -> Self:
        return cls(0, currency)

    @classmethod
    def total(cls, sums: Iterable[Money], currency: str = DEFAULT_CURRENCY) -> Self:
        """The exact total; zero of `currency` when there is nothing to add."""
        result = cls.zero(currency)
        for each in sums:
            result += each
        return result

    def quantized(self, places: int = 2, rounding: str = ROUND_HALF_EVEN) -> Self:
        """Rounded to `places` decimals (2 = cents), to the even neighbour in a tie unless told otherwise."""
        step = Decimal(1).scaleb(-places)
        return type(self)(self.amount.quantize(step, rounding, _ROUNDED), self.currency)

    def per(self, quantity: Quantity, *, places: int = 8, rounding: str = ROUND_HALF_EVEN) -> Price:
        """The average price of `quantity` that cost this sum, rounded to `places` decimals."""
        if not quantity:
            raise InvalidAmount("no average price of nothing", field="quantity")
        average = _ROUNDED.divide(self.amount, quantity.amount)
        return Price(average.quantize(Decimal(1).scaleb(-places), rounding, _ROUNDED))

    def __add__(self, other: Money) -> Self:
        if not isinstance(other, Money):
            return NotImplemented
        return type(self)(EXACT.add(self.amount, self._same(other)), self.currency)

    def __sub__(self, other: Money) -> Self:
        if not isinstance(other, Money):
            return NotImplemented
        return type(self)(EXACT.subtract(self.amount, self._same(other)), self.currency)

    def __neg__(self) -> Self:
        return type(self)(EXACT.minus(self.amount), self.currency)

    def __abs__(self) -> Self:
        return -self if self.amount < 0 else self

    def __mul__(self, factor: Decimal | int) -> Self:
        """A multiple or a rate of this sum, exact; a float factor is refused."""
        if isinstance(factor, bool) or not isinstance(factor, Decimal | int):
            return NotImplemented
        return type(self)(EXACT.multiply(self.amount, Decimal(factor)), self.currency)

    __rmul__ = __mul__

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other) if isinstance(other, Money) else NotImplemented

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other) if isinstance(other, Money) else NotImplemented

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._same(other) if isinstance(other, Money) else NotImplemented

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._same(other) if isinstance(other, Money) else NotImplemented

    def __str__(self) -> str:
        return f"{self.amount:f}"

    def __repr__(self) -> str:
        return f"Money({str(self)!r}, {self.currency!r})"

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise InvalidAmount(f"{self.currency} and {other.currency} do not mix", field="currency")
        return other.amount


def plain(amount: Decimal) -> str:
    """The shortest plain text of a number: no exponent, no trailing zeros (`10.2500` → `10.25`)."""
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _decimal(value: Number, kind: str, digits: int, places: int) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise TypeError(f"{kind} takes Decimal, int or text, not {type(value).__name__}")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise InvalidAmount(f"not a number: {value[:40]!r}", field=kind.lower())
    number = Decimal(value)
    if not number.is_finite():
        raise InvalidAmount(f"{kind} must be finite", field=kind.lower())
    exponent = number.as_tuple().exponent
    if number.adjusted() >= digits or (isinstance(exponent, int) and -exponent > places):
        raise InvalidAmount(f"{kind} is out of bounds", field=kind.lower())
    return number


def _step(step: Number) -> Decimal:
    number = _decimal(step, "step", 18, 18)
    if number <= 0:
        raise InvalidAmount(f"a tick or lot size must be positive: {number}", field="step")
    return number


def _units(amount: Decimal, step: Number, kind: str, rounding: str | None) -> int:
    """`amount` in whole steps; between two steps it is rounded as told, or refused."""
    exact = _ROUNDED.divide(amount, _step(step))
    whole = exact.to_integral_value(rounding or ROUND_HALF_EVEN)
    if rounding is None and whole != exact:
        raise InvalidAmount(f"{kind} {amount} is no multiple of {step}", field=kind.lower())
    return int(whole)
