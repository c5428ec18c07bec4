"""Schema versions: which events this code can read, and how it reads those of another version than its own.

An older event is brought up: an upcaster changes the protobuf payload from its version to the next, and they
are applied one after the other. A newer event is read as far as this code goes when its writer has named a
version whose readers understand it, and refused otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.events.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

# Everything not named here is still in its first version.
_CURRENT = {"SubmitOrder": 2, "TradeExecuted": 2, "AccountOpened": 2}

# What readers of an older version understand, too: they only miss what they know nothing of.
_LEAST_READERS = {"AccountOpened": 1}

_CENT_NANOS = 10_000_000
_SHARE_NANOS = 1_000_000_000


def current_version(event_type: str) -> int:
    """The version that this code writes."""
    return _CURRENT.get(event_type, 1)


def least_reader(event_type: str) -> int:
    """The oldest version whose readers understand what this code writes; 0 when it is the version written."""
    return _LEAST_READERS.get(event_type, 0)


def upcast(event_type: str, version: int, payload: Any, least_reader: int = 0) -> None:
    """Brings a decoded protobuf payload from `version` to the present one, in place.

    `least_reader` is the version that its readers need, 0 when the writer said nothing: then it is `version`.
    DecodeError when the version is none, or this code is older than its readers need to be.
    """
    current = current_version(event_type)
    if version < 1 or (least_reader or version) > current:
        raise DecodeError(
            f"{event_type} is of version {version}; known are 1 to {current}",
            event_type=event_type,
            schema_version=version,
        )
    for step in range(version, current):
        _UPCASTERS[event_type, step](payload)


def _submit_order_1(payload: Any) -> None:
    payload.time_in_force = "day"


def _trade_executed_1(payload: Any) -> None:
    payload.price.tick_size_nanos = _CENT_NANOS
    payload.quantity.lot_size_nanos = _SHARE_NANOS


def _account_opened_1(payload: Any) -> None:
    payload.tenant = "default"


_UPCASTERS: dict[tuple[str, int], Callable[[Any], None]] = {
    ("SubmitOrder", 1): _submit_order_1,
    ("TradeExecuted", 1): _trade_executed_1,
    ("AccountOpened", 1): _account_opened_1,
}
