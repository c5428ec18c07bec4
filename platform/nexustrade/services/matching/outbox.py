"""Messages on their way from a stored step to Kafka, each with the trace that caused it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from shared.events.codec import encode
from shared.observability import inject

if TYPE_CHECKING:
    from shared.events import EventEnvelope

EVENT_TYPE_HEADER = "event-type"
_SEPARATOR = b"\n"


class OutboxMessage(NamedTuple):
    """The bytes of an event, and its Kafka headers: the event's type and the trace (W3C) it belongs to."""

    headers: dict[str, str]
    value: bytes


def pack(envelope: EventEnvelope) -> bytes:
    """The stored form: one line of headers as JSON, then the encoded event."""
    headers = inject({EVENT_TYPE_HEADER: envelope.event_type})
    return json.dumps(headers, separators=(",", ":")).encode() + _SEPARATOR + encode(envelope)


def unpack(data: bytes) -> OutboxMessage:
    """What `pack` stored; ValueError on anything else."""
    headers, _, value = data.partition(_SEPARATOR)
    return OutboxMessage(json.loads(headers), value)
