"""What an order takes of a limit, and what its fills give back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.risk.exposure import Hold, ReferencePriceMissing, reservation_amount

pytestmark = pytest.mark.services("risk")

COLLAR = Decimal("1.05")


def test_a_limit_order_takes_price_times_quantity() -> None:
    """A limit order is valued at its own price, whatever the symbol last traded at."""
    amount = reservation_amount(
        quantity=Decimal(300), price=Decimal("10.25"), last_price=Decimal(99), collar=COLLAR
    )
    assert amount == Decimal(3075)


def test_a_market_order_takes_the_last_price_with_a_collar() -> None:
    """A market order is valued five percent above the last price."""
    amount = reservation_amount(quantity=Decimal(10), price=None, last_price=Decimal(100), collar=COLLAR)
    assert amount == Decimal(1050)


def test_a_market_order_without_a_last_price_cannot_be_valued() -> None:
    """Nothing is reserved at a made-up price."""
    with pytest.raises(ReferencePriceMissing) as refused:
        reservation_amount(quantity=Decimal(10), price=None, last_price=None, collar=COLLAR)
    assert refused.value.status == 422


def test_a_cheaper_fill_gives_the_difference_back() -> None:
    """Price improvement is released, and the rest of the order keeps its full hold."""
    result = Hold(quantity=Decimal(100), amount=Decimal(1000)).consumed(
        quantity=Decimal(40), price=Decimal("9.50")
    )
    assert (result.kept, result.released) == (Decimal(380), Decimal(20))
    assert result.rest == Hold(quantity=Decimal(60), amount=Decimal(600))


def test_a_dearer_fill_never_takes_more_than_was_held() -> None:
    """A sale above its limit keeps what was reserved and no more."""
    result = Hold(quantity=Decimal(100), amount=Decimal(1000)).consumed(
        quantity=Decimal(100), price=Decimal(11)
    )
    assert (result.kept, result.released, result.rest.amount) == (Decimal(1000), Decimal(0), Decimal(0))


@given(
    st.lists(
        st.tuples(
            st.integers(1, 1000).map(Decimal), st.integers(1, 2000).map(lambda cents: Decimal(cents) / 100)
        ),
        min_size=1,
        max_size=20,
    ),
    st.integers(1, 10**9).map(lambda units: Decimal(units) / 1000),
)
def test_holds_add_up_over_any_fills(fills: list[tuple[Decimal, Decimal]], amount: Decimal) -> None:
    """What fills keep and give back is, in the end, exactly what was held."""
    hold = Hold(quantity=sum((quantity for quantity, _ in fills), Decimal(0)), amount=amount)
    total = Decimal(0)
    for quantity, price in fills:
        result = hold.consumed(quantity=quantity, price=price)
        assert result.kept >= 0
        assert result.released >= 0
        total += result.kept + result.released
        hold = result.rest
    assert hold == Hold(quantity=Decimal(0), amount=Decimal(0))
    assert total == amount
