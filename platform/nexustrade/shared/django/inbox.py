"""Each event takes effect once per consumer, however often it is delivered."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connections, transaction

from shared import clock
from shared.django.databases import connection_scope
from shared.django.router import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.django.models import ProcessedEvent
    from shared.events.envelope import EventEnvelope


@contextmanager
def process_once(
    model: type[ProcessedEvent], consumer: str, envelope: EventEnvelope, using: str | None = None
) -> Iterator[bool]:
    """A transaction in which to apply `envelope`: yields True the first time, False for a repetition.

    The note that the event was processed commits with the effects, or not at all. `using` defaults to the
    database of `model`. Afterwards the thread's connections are back in their pools.
    """
    alias = using or home_of(model)
    with connection_scope(), transaction.atomic(using=alias):
        yield _first_time(model, consumer, envelope.event_id, alias)


def _first_time(model: type[ProcessedEvent], consumer: str, event_id: str, alias: str) -> bool:
    # One statement, whatever comes of it. While another transaction is still at work on the same event, it
    # waits for that one's end.
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} (consumer, event_id, processed_at) VALUES (%s, %s, %s)"  # noqa: S608 - the name of a table of ours
            " ON CONFLICT (consumer, event_id) DO NOTHING",
            [consumer, event_id, clock.now()],
        )
        return bool(cursor.rowcount)
