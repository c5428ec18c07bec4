"""What audit listens to: everything."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import DatabaseError

from services.audit.services import entries_append, entry_append
from shared.django.databases import connection_scope
from shared.observability import current_trace_id, trace_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.events import EventEnvelope
    from shared.events.message import MessageMeta


def on_event(envelope: EventEnvelope, meta: MessageMeta) -> None:
    """Appends the event; a redelivery changes nothing."""
    with _kept_connection():
        entry_append(topic=meta.topic, envelope=envelope, trace_id=current_trace_id() or "")


def on_events(events: Sequence[tuple[EventEnvelope, MessageMeta]]) -> None:
    """Appends events that came together; raises, and appends none, when one was appended before."""
    with _kept_connection():
        entries_append([(meta.topic, event, trace_id_of(meta.headers) or "") for event, meta in events])


@contextmanager
def _kept_connection() -> Iterator[None]:
    """The thread keeps its connection from event to event; only one that failed goes back to the pool."""
    try:
        yield
    except DatabaseError:
        with connection_scope():
            raise
