"""Adding up the fills of an order."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.fills import Overfilled, Progress
from services.orders.lifecycle import Trigger

pytestmark = pytest.mark.services("orders")


def test_fills_are_partial_until_the_last_share() -> None:
    """The fill that leaves nothing is the final one."""
    progress = Progress(quantity=Decimal(100))
    progress, first = progress.filled(quantity=Decimal(60), price=Decimal("10.00"))
    progress, second = progress.filled(quantity=Decimal(40), price=Decimal("10.10"))
    assert (first, second) == (Trigger.PARTIAL_FILL, Trigger.FINAL_FILL)
    assert progress.remaining_quantity == 0
    assert progress.average_price == Decimal("10.04")


def test_a_fill_beyond_the_rest_is_refused() -> None:
    """An order never gets more than it asked for."""
    progress, _ = Progress(quantity=Decimal(10)).filled(quantity=Decimal(9), price=Decimal(1))
    with pytest.raises(Overfilled):
        progress.filled(quantity=Decimal(2), price=Decimal(1))


def test_nothing_filled_has_no_average_price() -> None:
    """An order without fills has no average price, rather than a price of zero."""
    assert Progress(quantity=Decimal(10)).average_price is None


def test_fees_are_the_exact_part_of_the_value() -> None:
    """Half a basis point of each fill is kept to the last digit, however small the fill."""
    progress = Progress(quantity=Decimal(3))
    for price in ("0.0001", "0.0002", "9.9999"):
        progress, _ = progress.filled(quantity=Decimal(1), price=Decimal(price), fee_rate=Decimal("0.00005"))
    assert progress.fees == Decimal("10.0002") * Decimal("0.00005")


def test_the_largest_order_has_exact_fees() -> None:
    """Price, quantity and fee rate at their limits of digits lose none."""
    price, quantity = Decimal("99999999.999999"), Decimal("9999999999.9999")
    rate = Decimal("0.000001")
    progress, _ = Progress(quantity=quantity).filled(quantity=quantity, price=price, fee_rate=rate)
    scaled = 99999999999999 * 99999999999999
    assert int(progress.filled_value.scaleb(10)) == scaled
    assert f"{progress.fees:f}".replace(".", "").lstrip("0") == str(scaled)


@pytest.mark.parametrize("parts", [1, 7, 100])
def test_an_order_in_parts_is_worth_what_it_is_worth_at_once(parts: int) -> None:
    """One fill of 700 shares at 3.3333 and many small ones give the same value, average and fees."""
    progress = Progress(quantity=Decimal(700))
    for _ in range(parts):
        progress, _ = progress.filled(
            quantity=Decimal(700) / parts, price=Decimal("3.3333"), fee_rate=Decimal("0.0003")
        )
    assert (progress.filled_value, progress.average_price) == (Decimal("2333.31"), Decimal("3.3333"))
    assert progress.fees == Decimal("0.699993")


@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**7).map(lambda lots: Decimal(lots) / 1000),
            st.integers(1, 10**7).map(lambda ticks: Decimal(ticks) / 1000),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_the_filled_value_is_the_exact_sum(fills: list[tuple[Decimal, Decimal]]) -> None:
    """Over any fills the value adds up to the last digit, with no rounding per fill."""
    progress = Progress(quantity=sum((quantity for quantity, _ in fills), Decimal(0)))
    for quantity, price in fills:
        progress, _ = progress.filled(quantity=quantity, price=price)
    assert progress.filled_value == sum(quantity * price for quantity, price in fills)
    assert progress.remaining_quantity == 0
