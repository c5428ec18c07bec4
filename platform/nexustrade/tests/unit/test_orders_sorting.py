"""Where the next page of a sorted list starts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from services.orders.sorting import Cursor, Sorting
from shared.errors import ValidationFailed

pytestmark = pytest.mark.services("orders")

VALUES = {
    "created_at": datetime(2026, 3, 9, 13, 30, 0, 250, tzinfo=UTC),
    "symbol": "BRK.B",
    "quantity": Decimal("12.0005"),
}


@pytest.mark.parametrize("sort", list(Sorting))
def test_a_cursor_comes_back_as_it_went_out(sort: Sorting) -> None:
    """What a page gives out is read as the same place."""
    cursor = Cursor(VALUES[sort.column], "order-1")
    assert Cursor.decoded(cursor.encoded(), sort) == cursor


@pytest.mark.parametrize("sort", list(Sorting))
def test_ties_follow_the_direction_of_the_list(sort: Sorting) -> None:
    """The id that breaks ties rises and falls with the column."""
    column, tie = sort.columns
    assert column.startswith("-") == tie.startswith("-") == sort.is_falling


def test_a_cursor_of_another_column_is_refused() -> None:
    """A symbol is no moment, a moment no quantity."""
    of_symbols = Cursor("AAPL", "order-1").encoded()
    for sort in (Sorting.NEWEST, Sorting.LARGEST):
        with pytest.raises(ValidationFailed):
            Cursor.decoded(of_symbols, sort)
