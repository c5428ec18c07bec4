"""Transactional outbox: an event is published if, and only if, the transaction that wrote it commits.

`enqueue` writes the event as a row of the transaction in hand; a relay sends committed rows to Kafka and
marks a row as published only after the brokers have acknowledged it. A crash in between sends it twice:
consumers recognise the event's id.
"""

from __future__ import annotations

import json
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from zlib import crc32

from django.db import connections, transaction
from django.db.transaction import TransactionManagementError

from shared import clock
from shared.django.databases import connection_scope
from shared.django.router import home_of
from shared.events import codec
from shared.events.errors import EventError
from shared.events.producer import EVENT_TYPE_HEADER
from shared.observability import counter, get_logger, inject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from shared.django.models import OutboxMessage
    from shared.events.envelope import EventEnvelope
    from shared.events.producer import Delivery, EventProducer

log = get_logger("outbox")

POLL = 0.5  # seconds; finds rows that another process wrote, or that failed before
GATHER = 0.01  # seconds; transactions that commit together are sent together
BATCH = 200  # rows
STOP_TIMEOUT = 5.0  # seconds

_published = counter("outbox_published_total", "Outbox messages acknowledged by the brokers")
_wakers: dict[type[OutboxMessage], Event] = {}


def enqueue(model: type[OutboxMessage], topic: str, key: str, envelope: EventEnvelope) -> None:
    """Have `envelope` published on `topic` under `key` once the current transaction commits.

    Must be called inside a transaction on the database of `model`. The message carries the current trace.
    """
    enqueue_all(model, [(topic, key, envelope)])


def enqueue_all(model: type[OutboxMessage], messages: Sequence[tuple[str, str, EventEnvelope]]) -> None:
    """`enqueue` for several (topic, key, envelope) at once, in this order and in one statement."""
    alias = home_of(model)
    if not connections[alias].in_atomic_block:
        raise TransactionManagementError("an event is enqueued inside the transaction it tells of")
    now = clock.now()
    trace = inject({})
    values: list[Any] = []
    for topic, key, envelope in messages:
        headers = json.dumps({EVENT_TYPE_HEADER: envelope.event_type, **trace})
        values += [envelope.event_id, topic, key, codec.encode(envelope), headers, now]
    with connections[alias].cursor() as cursor:
        # On the way of every order: the ORM's own insert takes three times as long.
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} (event_id, topic, key, payload, headers, created_at) VALUES "  # noqa: S608 - the name of a table of ours
            + ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(messages)),
            values,
        )
    transaction.on_commit(_waker(model).set, using=alias)


class OutboxRelay:
    """The thread that publishes the rows of one outbox table, in the order in which they were written.

    Of several processes with the same table, one at a time does the work.
    """

    def __init__(
        self,
        model: type[OutboxMessage],
        producer: EventProducer,
        using: str | None = None,
        *,
        poll: float = POLL,
        batch: int = BATCH,
    ) -> None:
        self._model = model
        self._producer = producer
        self._alias = using or home_of(model)
        self._poll = poll
        self._batch = batch
        self._table = model._meta.db_table
        self._lock_key = crc32(self._table.encode())
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=f"outbox-{model._meta.app_label}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Publish what is committed, then end."""
        self._stopping.set()
        _waker(self._model).set()
        self._thread.join(STOP_TIMEOUT)

    def publish_pending(self) -> int:
        """Send one batch of committed rows; the number of rows that the brokers acknowledged."""
        with connection_scope(), transaction.atomic(using=self._alias):
            if not self._alone():
                return 0
            acknowledged = self._send(self._pending())
            if acknowledged:
                self._mark(acknowledged)
        _published.inc(len(acknowledged))
        return len(acknowledged)

    # Plain statements, as in `enqueue_all`: a batch is often no more than one order.
    def _pending(self) -> list[tuple[int, str, str, str, bytes, str]]:
        with connections[self._alias].cursor() as cursor:
            cursor.execute(
                f"SELECT id, event_id, topic, key, payload, headers FROM {self._table}"  # noqa: S608 - a table of ours
                " WHERE published_at IS NULL ORDER BY id LIMIT %s",
                [self._batch],
            )
            rows: list[tuple[int, str, str, str, bytes, str]] = cursor.fetchall()
        return rows

    def _mark(self, acknowledged: Sequence[int]) -> None:
        with connections[self._alias].cursor() as cursor:
            cursor.execute(
                f"UPDATE {self._table} SET published_at = %s WHERE id = ANY(%s)",  # noqa: S608 - a table of ours
                [clock.now(), list(acknowledged)],
            )

    def _send(self, rows: Sequence[tuple[int, str, str, str, bytes, str]]) -> list[int]:
        sent: list[tuple[int, Future[Delivery]]] = []
        for row_id, event_id, topic, key, payload, headers in rows:
            try:
                future = self._producer.send(topic, key, payload, json.loads(headers), wait=False)
            except EventError as error:
                log.warning("not published", event_id=event_id, topic=topic, error=error.message)
                # What was written later must not overtake it: the rest waits for the next attempt.
                break
            sent.append((row_id, future))
        return [key for key, future in sent if self._acknowledged(future)]

    def _acknowledged(self, future: Future[Delivery]) -> bool:
        try:
            self._producer.result(future)
        except EventError as error:
            log.warning("not acknowledged", error=error.message)
            return False
        return True

    def _alone(self) -> bool:
        with connections[self._alias].cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [self._lock_key])
            return bool(cursor.fetchone()[0])

    def _run(self) -> None:
        waker = _waker(self._model)
        while not self._stopping.is_set():
            if waker.wait(self._poll):
                self._stopping.wait(GATHER)
            waker.clear()
            self._drain()

    def _drain(self) -> None:
        try:
            while self.publish_pending() == self._batch:
                pass
        except Exception:
            log.exception("outbox relay failed")


def _waker(model: type[OutboxMessage]) -> Event:
    return _wakers.setdefault(model, Event())
