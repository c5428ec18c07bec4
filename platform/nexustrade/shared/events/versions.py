"""Schema versions, and how an event written in an older one is brought up to the present.

An upcaster changes the protobuf payload from its version to the next; they are applied one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.events.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

# Everything not named here is still in its first version.
_CURRENT = {"SubmitOrder": 2, "TradeExecuted": 2, "AccountOpened": 2}

_CENT_NANOS = 10_000_000
_SHARE_NANOS = 1_000_000_000


def current_version(event_type: str) -> int:
    """The version that this code writes."""
    return _CURRENT.get(event_type, 1)


def upcast(event_type: str, version: int, payload: Any) -> None:
    """Brings a decoded protobuf payload from `version` to the present one, in place.

    DecodeError when the version is none, or newer than this code knows.
    """
    current = current_version(event_type)
    if not 1 <= version <= current:
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
