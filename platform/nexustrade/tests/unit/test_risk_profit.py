"""Figures of profit and loss that are kept for as long as they hold."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.burst import all_at_once

from services.risk.pnl import Mark, Profit, ProfitCache, SymbolProfit

pytestmark = pytest.mark.services("risk")

check = settings(deadline=None, derandomize=True, database=None)

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)


def profit(unrealized: int | str, realized: int | str = 0) -> Profit:
    only = SymbolProfit(
        symbol="A",
        quantity=Decimal(1),
        last_price=Decimal(1),
        realized=Decimal(realized),
        unrealized=Decimal(unrealized),
    )
    return Profit(symbols=(only,), as_of=NOON)


def marks(trades: int = 1, sequence: int = 1, epoch: int = 1) -> dict[str, Mark]:
    return {"A": Mark(trades, epoch, sequence)}


def test_the_total_is_what_was_and_would_be_earned() -> None:
    """Realised and unrealised profit add up over the symbols."""
    found = Profit(symbols=profit(7, 3).symbols + profit("0.5", -1).symbols, as_of=NOON)
    assert (found.realized, found.unrealized, found.total) == (Decimal(2), Decimal("7.5"), Decimal("9.5"))


def test_a_figure_is_kept_while_nothing_changes() -> None:
    """Asked twice with the same marks, the account's figure is worked out once."""
    cache, worked = ProfitCache(10), []
    for _ in range(3):
        cache.figure("a", marks(), lambda: worked.append(1) or profit(5))
    assert (len(worked), cache.hits, cache.misses) == (1, 2, 1)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(marks(trades=2, sequence=2), id="a trade of the account"),
        pytest.param(marks(sequence=2), id="a trade of others"),
        pytest.param(marks(epoch=2), id="a new leader"),
        pytest.param(marks() | {"B": Mark(1, 1, 1)}, id="another symbol"),
    ],
)
def test_a_figure_goes_with_what_it_was_made_of(after: dict[str, Mark]) -> None:
    """A trade of the account, a price move without one, and another symbol each make it anew."""
    cache = ProfitCache(10)
    cache.figure("a", marks(), lambda: profit(5))
    assert cache.figure("a", after, lambda: profit(-900)).total == -900


def test_accounts_do_not_share_figures() -> None:
    """Two accounts with the same marks have a figure each."""
    cache = ProfitCache(10)
    cache.figure("a", marks(), lambda: profit(5))
    assert cache.figure("b", marks(), lambda: profit(6)).total == 6
    assert cache.figure("a", marks(), lambda: profit(7)).total == 5


def test_the_account_that_nobody_asked_for_longest_is_dropped() -> None:
    """With room for two, the third pushes out the one that was least recently of use."""
    cache = ProfitCache(2)
    for account in ("a", "b", "a", "c"):
        cache.figure(account, marks(), lambda: profit(1))
    assert cache.figure("a", marks(), lambda: profit(2)).total == 1
    assert cache.figure("b", marks(), lambda: profit(2)).total == 2


def test_many_threads_get_the_figure_of_their_own_account() -> None:
    """Readers of eight accounts side by side are never shown another's figure."""
    cache = ProfitCache(4)

    def read(number: int) -> list[Decimal]:
        return [cache.figure(str(number), marks(), lambda: profit(number)).total for _ in range(50)]

    found = all_at_once([lambda number=number: read(number) for number in range(8)])
    assert found == [[number] * 50 for number in range(8)]


@check
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_the_figure_is_always_that_of_the_marks(history: list[tuple[int, int]]) -> None:
    """After any sequence of trades and price moves, what is shown is what those marks are worth."""
    cache = ProfitCache(4)
    for trades, sequence in history:
        worth = 10 * trades + sequence
        assert cache.figure("a", marks(trades, sequence), lambda worth=worth: profit(worth)).total == worth
