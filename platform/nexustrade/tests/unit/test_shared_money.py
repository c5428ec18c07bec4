"""Exact prices, quantities and sums."""

from __future__ import annotations

import pickle
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ValidationFailed
from shared.money import InvalidAmount, Money, Price, Quantity, plain

pytestmark = pytest.mark.services("orders", "matching", "risk", "settlement")

TICKS = st.sampled_from([Decimal("0.0001"), Decimal("0.01"), Decimal("0.05"), Decimal("0.25"), Decimal(1)])
CENTS = st.decimals(min_value=-(10**9), max_value=10**9, places=2)
PRICES = st.decimals(min_value=0, max_value=10**6, places=4)
SHARES = st.decimals(min_value=0, max_value=10**6, places=3)


@pytest.mark.parametrize("kind", [Price, Quantity, Money])
def test_a_float_is_refused(kind: type) -> None:
    """A binary float has no exact decimal value, so it is a mistake of the caller."""
    with pytest.raises(TypeError, match="float"):
        kind(0.1)


@pytest.mark.parametrize("kind", [Price, Quantity, Money])
@pytest.mark.parametrize("text", ["NaN", "inf", "-Infinity", "", "ten", "1_000", " 1", "1,5", "٣"])
def test_text_that_is_no_plain_number_is_refused(kind: type, text: str) -> None:
    """Only ASCII digits with at most one point are an amount."""
    with pytest.raises(InvalidAmount):
        kind(text)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")])
def test_decimals_that_are_not_finite_are_refused(value: Decimal) -> None:
    """NaN compares false with every limit, so it must not become an amount."""
    for kind in (Price, Quantity, Money):
        with pytest.raises(InvalidAmount):
            kind(value)


@pytest.mark.parametrize("text", ["1e18", "1e-19", "9e999"])
def test_amounts_out_of_bounds_are_refused(text: str) -> None:
    """A price needs no more than 18 digits on either side of the point."""
    with pytest.raises(InvalidAmount):
        Price(text)


def test_a_truth_value_is_no_amount() -> None:
    """True is an int to Python, not to the house."""
    with pytest.raises(TypeError):
        Price(True)


def test_an_invalid_amount_is_both_a_value_error_and_a_422() -> None:
    """Validators see a ValueError, entry points the status and the field."""
    with pytest.raises(ValueError) as refused:
        Quantity(-1)
    assert isinstance(refused.value, ValidationFailed)
    assert (refused.value.status, refused.value.field) == (422, "quantity")


def test_equal_values_are_equal_and_hash_alike_whatever_their_scale() -> None:
    """10.25 and 10.250 are one price, one key of a book."""
    assert Price("10.25") == Price("10.250")
    assert len({Price("10.25"), Price("10.250"), Price(Decimal("1025e-2"))}) == 1


def test_kinds_do_not_mix() -> None:
    """A price is no quantity: they neither compare nor add."""
    assert Price(1) != Quantity(1)
    with pytest.raises(TypeError):
        Price(1) < Quantity(2)  # noqa: B015
    with pytest.raises(TypeError):
        Price(1) + Quantity(2)


def test_currencies_do_not_mix() -> None:
    """Dollars and euros are neither added nor compared."""
    with pytest.raises(InvalidAmount):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(InvalidAmount):
        Money(1, "USD") < Money(2, "EUR")  # noqa: B015
    assert Money(1, "USD") != Money(1, "EUR")


def test_amounts_are_frozen() -> None:
    """Nobody changes an amount that somebody else holds."""
    with pytest.raises(AttributeError):
        Price(1).amount = Decimal(2)


@given(ticks=st.integers(-(10**9), 10**9), tick_size=TICKS)
@settings(deadline=None)
def test_ticks_and_prices_are_two_forms_of_one_thing(ticks: int, tick_size: Decimal) -> None:
    """Going to ticks and back gives the same price, exactly."""
    price = Price.from_ticks(ticks, tick_size)
    assert price.ticks(tick_size) == ticks
    assert Price.of(price.amount, tick_size) == price


@given(lots=st.integers(0, 10**9), lot_size=TICKS)
@settings(deadline=None)
def test_lots_and_quantities_are_two_forms_of_one_thing(lots: int, lot_size: Decimal) -> None:
    """Going to lots and back gives the same quantity, exactly."""
    assert Quantity.from_lots(lots, lot_size).lots(lot_size) == lots


def test_a_price_between_two_ticks_is_refused_unless_a_rounding_is_named() -> None:
    """Nothing is rounded silently."""
    with pytest.raises(InvalidAmount):
        Price.of("10.255", "0.01")
    assert Price.of("10.255", "0.01", rounding=ROUND_DOWN) == Price("10.25")
    assert Price.of("10.255", "0.01", rounding=ROUND_HALF_UP) == Price("10.26")


@pytest.mark.parametrize("step", [0, "-0.01"])
def test_a_tick_size_is_positive(step: int | str) -> None:
    """There is no grid of width nought."""
    with pytest.raises(InvalidAmount):
        Price("1").ticks(step)


@given(price=PRICES, quantities=st.lists(SHARES, max_size=6))
@settings(deadline=None)
def test_the_parts_of_an_order_cost_what_the_whole_costs(price: Decimal, quantities: list[Decimal]) -> None:
    """Price times quantity is exact, so fills add up to the order."""
    parts = Money.total(Price(price) * Quantity(each) for each in quantities)
    assert parts == Price(price) * Quantity(sum(quantities, Decimal(0)))


@given(sums=st.lists(CENTS, max_size=8))
@settings(deadline=None)
def test_money_adds_up_in_any_order(sums: list[Decimal]) -> None:
    """The total does not depend on the order, and taking everything back leaves nothing."""
    money = [Money(each) for each in sums]
    assert Money.total(money) == Money.total(reversed(money))
    assert Money.total(money) - Money.total(money) == Money.zero()


@given(amount=CENTS)
@settings(deadline=None)
def test_text_and_pickle_keep_an_amount(amount: Decimal) -> None:
    """Neither way out and in again changes the value."""
    money = Money(amount)
    assert Money(str(money)) == money
    assert pickle.loads(pickle.dumps(money)) == money  # noqa: S301
    assert Money(plain(amount)) == money


@pytest.mark.parametrize(
    ("text", "rounding", "cents"),
    [
        ("0.125", ROUND_HALF_EVEN, "0.12"),
        ("0.135", ROUND_HALF_EVEN, "0.14"),
        ("-0.125", ROUND_HALF_EVEN, "-0.12"),
        ("0.125", ROUND_HALF_UP, "0.13"),
        ("1.999", ROUND_DOWN, "1.99"),
    ],
)
def test_rounding_to_cents_follows_the_named_mode(text: str, rounding: str, cents: str) -> None:
    """A tie goes to the even cent unless another mode is named."""
    assert str(Money(text).quantized(2, rounding)) == cents


def test_an_average_price_divides_the_sum_by_the_quantity() -> None:
    """Three shares for ten dollars are 3.33333333 each; nothing has no average."""
    assert Money(10).per(Quantity(3)) == Price("3.33333333")
    with pytest.raises(InvalidAmount):
        Money(10).per(Quantity(0))


def test_a_rate_must_be_exact_too() -> None:
    """A fee of 0.1 per cent is a Decimal; a float is refused."""
    assert Money(1000) * Decimal("0.001") == Money(1)
    with pytest.raises(TypeError):
        Money(1000) * 0.001
