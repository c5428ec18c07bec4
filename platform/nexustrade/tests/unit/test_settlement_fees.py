"""Fees: exact on each trade, rounded once on what is charged."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settlement.fees import FeeSchedule, charge
from services.settlement.ledger import kind_of
from shared.money import EXACT, Money

pytestmark = pytest.mark.services("settlement")

RATES = st.decimals(min_value="0.01", max_value="50", places=2)
VALUES = st.decimals(min_value="0.000001", max_value="99999999", places=9)


@given(rate=RATES, value=VALUES)
def test_a_fee_is_the_rate_of_the_value_to_the_last_digit(rate, value):
    """Basis points are ten-thousandths; nothing of the product is dropped."""
    fee = FeeSchedule(rate).fee(Money(value))
    assert fee.amount * 10_000 == EXACT.multiply(rate, value)


@given(rate=RATES, values=st.lists(VALUES, min_size=2, max_size=20))
def test_fees_of_parts_are_the_fee_of_the_whole(rate, values):
    """An order filled in many parts costs the same as one filled at once."""
    schedule = FeeSchedule(rate)
    parts = [schedule.fee(Money(value)) for value in values]
    assert Money.total(parts) == schedule.fee(Money.total(map(Money, values)))


@given(rate=RATES, values=st.lists(VALUES, max_size=20))
def test_a_charge_is_the_exact_sum_rounded_to_cents(rate, values):
    """What is charged does not depend on how many trades it is for."""
    schedule = FeeSchedule(rate)
    fees = [schedule.fee(Money(value)) for value in values]
    exact = EXACT.multiply(sum(values, Decimal(0)), EXACT.multiply(rate, Decimal("0.0001")))
    assert charge(fees, "USD") == Money(exact).quantized(places=2)


def test_small_fees_count():
    """A trade of five dollars at half a basis point costs a fortieth of a cent."""
    assert FeeSchedule(Decimal("0.5")).fee(Money(5)).amount == Decimal("0.00025")


@pytest.mark.parametrize(
    ("posting_id", "kind"),
    [
        ("deposit:a:wire", "deposit"),
        ("transfer:a:b:x", "transfer"),
        ("fee:4711", "fee"),
        ("ZABC-1#1:cash_debit", "trade"),
    ],
)
def test_a_posting_tells_what_it_was_for(posting_id, kind):
    """Statements name deposits, transfers, fees and trades by their postings."""
    assert kind_of(posting_id) == kind
