"""Double entry and fees."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settlement.fees import FeeSchedule, charge
from services.settlement.ledger import Entry, Posting, reverse, transfer
from shared.money import Money

pytestmark = pytest.mark.services("settlement")

AMOUNTS = st.decimals(min_value="0.000000001", max_value="999999999999", places=9)
NAMES = st.lists(st.text("abcdef", min_size=1, max_size=6), min_size=2, max_size=2, unique=True)


@given(names=NAMES, amount=AMOUNTS)
def test_a_transfer_sums_to_zero(names, amount):
    """What leaves one account arrives at the other."""
    posting = transfer("p", "USD", source=names[0], target=names[1], amount=amount)
    assert sum(entry.amount for entry in posting.entries) == 0
    assert {entry.account: entry.amount for entry in posting.entries} == {
        names[0]: -amount,
        names[1]: amount,
    }


@given(names=NAMES, amount=AMOUNTS)
def test_a_reversal_undoes_its_posting(names, amount):
    """A posting and its reversal leave every account as it was."""
    posting = transfer("p", "USD", source=names[0], target=names[1], amount=amount)
    back = reverse(posting, "p:undo")
    totals = dict.fromkeys(names, Decimal(0))
    for entry in posting.entries + back.entries:
        totals[entry.account] += entry.amount
    assert set(totals.values()) == {Decimal(0)}
    assert back.posting_id == "p:undo"


@pytest.mark.parametrize(
    "entries",
    [
        (Entry("a", Decimal(-1)), Entry("b", Decimal("1.000000001"))),
        (Entry("a", Decimal(1)),),
        (Entry("a", Decimal(0)), Entry("b", Decimal(0))),
    ],
    ids=["unbalanced", "one-sided", "empty"],
)
def test_a_posting_that_does_not_balance_cannot_be_made(entries):
    """Only balanced postings of at least two lines exist."""
    with pytest.raises(ValueError, match="p"):
        Posting("p", "USD", entries)


@pytest.mark.parametrize("amount", [Decimal(0), Decimal(-5)])
def test_a_transfer_moves_a_positive_amount(amount):
    """Nothing, or less than nothing, cannot be moved."""
    with pytest.raises(ValueError, match="positive"):
        transfer("p", "USD", source="a", target="b", amount=amount)


@given(st.lists(AMOUNTS, max_size=40))
def test_fees_are_rounded_once_for_all_trades(values):
    """The charge is within half a cent of the exact sum of the fees."""
    schedule = FeeSchedule(Decimal("0.5"))
    exact = sum((value * Decimal("0.00005") for value in values), Decimal(0))
    charged = charge([schedule.fee(Money(value)) for value in values], "USD")
    assert abs(charged.amount - exact) <= Decimal("0.005")


def test_many_small_fees_are_not_lost():
    """Ten thousand fees of a third of a cent are 33 dollars."""
    schedule = FeeSchedule(Decimal(1))
    fees = [schedule.fee(Money(33)) for _ in range(10_000)]
    assert charge(fees, "USD") == Money("33.00")
