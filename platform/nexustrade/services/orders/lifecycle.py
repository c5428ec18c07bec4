"""The life of an order as a table: (state, trigger) → state.

pending ──accept──▶ accepted ──partial_fill──▶ partially_filled ──final_fill──▶ filled
   └────reject────▶ rejected      └────────────cancel────────────┴──▶ cancelled

A replacement leaves an order where it stands; so does the trigger of a stop order, before its first fill.
"""

from __future__ import annotations

from enum import StrEnum

from shared.errors import Conflict


class OrderState(StrEnum):
    """Where an order stands."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class Trigger(StrEnum):
    """What moves an order from one state to the next."""

    ACCEPT = "accept"
    REJECT = "reject"
    PARTIAL_FILL = "partial_fill"
    FINAL_FILL = "final_fill"
    CANCEL = "cancel"
    REPLACE = "replace"
    TRIGGER = "trigger"


TRANSITIONS: dict[tuple[OrderState, Trigger], OrderState] = {
    (OrderState.PENDING, Trigger.ACCEPT): OrderState.ACCEPTED,
    (OrderState.PENDING, Trigger.REJECT): OrderState.REJECTED,
    (OrderState.ACCEPTED, Trigger.PARTIAL_FILL): OrderState.PARTIALLY_FILLED,
    (OrderState.ACCEPTED, Trigger.FINAL_FILL): OrderState.FILLED,
    (OrderState.ACCEPTED, Trigger.CANCEL): OrderState.CANCELLED,
    (OrderState.ACCEPTED, Trigger.REPLACE): OrderState.ACCEPTED,
    (OrderState.ACCEPTED, Trigger.TRIGGER): OrderState.ACCEPTED,
    (OrderState.PARTIALLY_FILLED, Trigger.PARTIAL_FILL): OrderState.PARTIALLY_FILLED,
    (OrderState.PARTIALLY_FILLED, Trigger.FINAL_FILL): OrderState.FILLED,
    (OrderState.PARTIALLY_FILLED, Trigger.CANCEL): OrderState.CANCELLED,
    (OrderState.PARTIALLY_FILLED, Trigger.REPLACE): OrderState.PARTIALLY_FILLED,
}

FINAL_STATES = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED})


class InvalidTransition(Conflict):
    """The order's state has no place for this trigger."""

    problem_type = "invalid-transition"
    title = "The order cannot take this step"


def next_state(state: OrderState | str, trigger: Trigger) -> OrderState:
    """Returns the state after `trigger`; InvalidTransition when the table has no such step."""
    try:
        return TRANSITIONS[OrderState(state), trigger]
    except KeyError:
        raise InvalidTransition(
            f"an order that is {OrderState(state)} has no step {trigger}",
            state=str(state),
            trigger=str(trigger),
        ) from None


def is_final(state: OrderState | str) -> bool:
    """Whether no trigger can move the order any more."""
    return OrderState(state) in FINAL_STATES
