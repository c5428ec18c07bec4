"""The envelope: who said what, when, as which step of what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared import clock, ids
from shared.events.versions import current_version

if TYPE_CHECKING:
    from datetime import datetime

    from shared.events.types import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEnvelope:
    """An event and its circumstances.

    `sequence` orders the events of one aggregate, gapless from 1 where the producer counts, else 0.
    `epoch` is the fencing token of the leader that produced it, 0 where there is no leader.
    """

    event_id: str
    event_type: str
    schema_version: int
    occurred_at: datetime
    producer: str
    aggregate_id: str
    sequence: int = 0
    epoch: int = 0
    payload: Event


def envelope_for(
    payload: Event,
    *,
    producer: str,
    aggregate_id: str,
    sequence: int = 0,
    epoch: int = 0,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
) -> EventEnvelope:
    """A new envelope in the present schema version, with a fresh id and the market time unless given."""
    event_type = type(payload).__name__
    return EventEnvelope(
        event_id=event_id or ids.new_id(),
        event_type=event_type,
        schema_version=current_version(event_type),
        occurred_at=occurred_at or clock.now(),
        producer=producer,
        aggregate_id=aggregate_id,
        sequence=sequence,
        epoch=epoch,
        payload=payload,
    )
