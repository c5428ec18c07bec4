"""The life cycle of an order, as a table."""

from __future__ import annotations

from itertools import product

import pytest

from services.orders.lifecycle import (
    FINAL_STATES,
    TRANSITIONS,
    InvalidTransition,
    OrderState,
    Trigger,
    is_final,
    next_state,
)

pytestmark = pytest.mark.services("orders")


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        ((Trigger.REJECT,), OrderState.REJECTED),
        ((Trigger.ACCEPT, Trigger.CANCEL), OrderState.CANCELLED),
        ((Trigger.ACCEPT, Trigger.FINAL_FILL), OrderState.FILLED),
        ((Trigger.ACCEPT, Trigger.PARTIAL_FILL, Trigger.PARTIAL_FILL, Trigger.FINAL_FILL), OrderState.FILLED),
        ((Trigger.ACCEPT, Trigger.PARTIAL_FILL, Trigger.CANCEL), OrderState.CANCELLED),
        ((Trigger.ACCEPT, Trigger.REPLACE, Trigger.FINAL_FILL), OrderState.FILLED),
        ((Trigger.ACCEPT, Trigger.PARTIAL_FILL, Trigger.REPLACE), OrderState.PARTIALLY_FILLED),
        ((Trigger.ACCEPT, Trigger.TRIGGER, Trigger.PARTIAL_FILL), OrderState.PARTIALLY_FILLED),
    ],
)
def test_every_way_through_life_ends_where_the_table_says(
    steps: tuple[Trigger, ...], end: OrderState
) -> None:
    """An order that takes the listed steps from pending ends in the listed state."""
    state = OrderState.PENDING
    for step in steps:
        state = next_state(state, step)
    assert state is end


@pytest.mark.parametrize(("state", "trigger"), list(product(sorted(FINAL_STATES), Trigger)))
def test_a_final_order_takes_no_step(state: OrderState, trigger: Trigger) -> None:
    """Filled, cancelled and rejected orders refuse every trigger."""
    with pytest.raises(InvalidTransition):
        next_state(state, trigger)


def test_only_accepted_orders_fill() -> None:
    """A pending order can be accepted or rejected, and nothing else."""
    assert {trigger for state, trigger in TRANSITIONS if state is OrderState.PENDING} == {
        Trigger.ACCEPT,
        Trigger.REJECT,
    }
    with pytest.raises(InvalidTransition) as refused:
        next_state(OrderState.PENDING, Trigger.FINAL_FILL)
    assert refused.value.fields == {"state": "pending", "trigger": "final_fill"}


def test_states_read_from_a_row_work_as_they_are() -> None:
    """The table accepts the text that the database holds."""
    assert next_state("accepted", Trigger.CANCEL) == "cancelled"
    assert is_final("filled")
    assert not is_final("partially_filled")


@pytest.mark.parametrize(
    ("state", "trigger"),
    [
        (OrderState.PENDING, Trigger.REPLACE),
        (OrderState.PENDING, Trigger.TRIGGER),
        (OrderState.PARTIALLY_FILLED, Trigger.TRIGGER),
    ],
)
def test_replacing_needs_an_accepted_order_and_triggering_an_unfilled_one(
    state: OrderState, trigger: Trigger
) -> None:
    """An undecided order can be neither replaced nor triggered, and nothing triggers after a fill."""
    with pytest.raises(InvalidTransition):
        next_state(state, trigger)
