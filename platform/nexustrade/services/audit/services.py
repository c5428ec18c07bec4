"""Use cases of the audit trail: append an event, list entries, verify the chain."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connections, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.fields.json import KeyTextTransform
from psycopg import Error as PsycopgError
from psycopg.types.json import Jsonb

from services.audit import chain
from services.audit.models import AuditEntry, ChainHead
from shared.clock import now
from shared.events.types import AccountOpened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.events.envelope import EventEnvelope

DATABASE = "audit"
EVENT_ONCE = "audit_event_once"
# Where the payload of an event names the accounts that it is about.
ACCOUNT_FIELDS = ("account_id", "buy_account_id", "sell_account_id")
# Rows fetched at a time while the whole chain is walked.
VERIFY_CHUNK = 2000


def entry_append(*, topic: str, envelope: EventEnvelope, trace_id: str = "") -> bool:
    """Appends an event to the chain; False when it is in the chain already."""
    try:
        _append([_entry(topic, envelope, trace_id)])
    except IntegrityError as error:
        if _constraint(error) != EVENT_ONCE:
            raise
        return False
    return True


def entries_append(events: Sequence[tuple[str, EventEnvelope, str]]) -> None:
    """Appends events, each with its topic and trace id, all or none.

    IntegrityError when one of them is in the chain already.
    """
    _append([_entry(*event) for event in events])


def entry_list(*, aggregate_id: str | None, after: int, limit: int, tenant: str) -> list[AuditEntry]:
    """Entries in the order of the chain, after a sequence, without those about other tenants' accounts."""
    rows = AuditEntry.objects.filter(sequence__gt=after).exclude(_is_of_others(tenant))
    if aggregate_id is not None:
        rows = rows.filter(aggregate_id=aggregate_id)
    return list(rows.order_by("sequence")[:limit])


def chain_verify() -> chain.Verdict:
    """Recomputes every hash of the trail, as it was at one moment, up to the recorded head."""
    with transaction.atomic(using=DATABASE), connections[DATABASE].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        head = ChainHead.objects.get(pk=1)
        return chain.verify(_links(), head=(head.sequence, head.hash))


class _Head:
    """The end of the chain as this process last knew it; a wrong memory costs one attempt."""

    known: tuple[int, str] | None = None

    def read(self) -> tuple[int, str]:
        head = ChainHead.objects.get(pk=1)
        return head.sequence, head.hash


_head = _Head()

COLUMNS = (
    "sequence, event_id, event_type, topic, producer, aggregate_id, occurred_at, recorded_at, trace_id,"
    " payload, previous_hash, hash"
)


def _is_of_others(tenant: str) -> Q:
    """Whether an entry names accounts that were opened, and none that was opened for a user of `tenant`."""
    named = [KeyTextTransform(name, OuterRef("payload")) for name in ACCOUNT_FIELDS]
    opened = AuditEntry.objects.filter(event_type=AccountOpened.__name__, aggregate_id__in=named)
    return Q(Exists(opened)) & ~Q(Exists(opened.filter(payload__tenant=tenant)))


def _append(entries: Sequence[AuditEntry]) -> None:
    """Links the entries to the chain, in their order.

    The head moves and the entries appear in one statement, and only from the head that the hashes were
    computed on: whoever lost a race against another instance reads the new head and tries again.
    """
    bodies = [entry.body() for entry in entries]
    appended = False
    while not appended:
        links = list(chain.extend(*(_head.known or _head.read()), bodies))
        appended = _insert(entries, links)
        _head.known = (links[-1].sequence, links[-1].hash) if appended else None


def _insert(entries: Sequence[AuditEntry], links: Sequence[chain.Link]) -> bool:
    first, last = links[0], links[-1]
    rows = [_row(entry, link) for entry, link in zip(entries, links, strict=True)]
    placeholders = ", ".join(["(" + ", ".join(["%s"] * len(rows[0])) + ")"] * len(rows))
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(
            "WITH moved AS (UPDATE audit_chain_head SET sequence = %s, hash = %s"  # noqa: S608 - our own columns
            " WHERE sequence = %s AND hash = %s RETURNING id)"
            f" INSERT INTO audit_entry ({COLUMNS})"
            f" SELECT entry.* FROM moved, (VALUES {placeholders}) AS entry",
            [last.sequence, last.hash, first.sequence - 1, first.previous_hash, *itertools.chain(*rows)],
        )
        return bool(cursor.rowcount)


def _row(entry: AuditEntry, link: chain.Link) -> tuple[Any, ...]:
    """The values of COLUMNS."""
    return (
        link.sequence,
        entry.event_id,
        entry.event_type,
        entry.topic,
        entry.producer,
        entry.aggregate_id,
        entry.occurred_at,
        entry.recorded_at,
        entry.trace_id,
        Jsonb(entry.payload),
        link.previous_hash,
        link.hash,
    )


def _constraint(error: IntegrityError) -> str | None:
    cause = error.__cause__
    return cause.diag.constraint_name if isinstance(cause, PsycopgError) else None


def _links() -> Iterator[chain.Link]:
    rows = AuditEntry.objects.order_by("sequence").iterator(chunk_size=VERIFY_CHUNK)
    return (row.link() for row in rows)


def _entry(topic: str, envelope: EventEnvelope, trace_id: str) -> AuditEntry:
    return AuditEntry(
        event_id=envelope.event_id,
        event_type=envelope.event_type,
        topic=topic,
        producer=envelope.producer,
        aggregate_id=envelope.aggregate_id,
        occurred_at=envelope.occurred_at.astimezone(UTC),
        recorded_at=now(),
        trace_id=trace_id,
        payload=_plain(envelope.payload),
    )


def _plain(value: Any) -> Any:
    """An event as JSON values: amounts and moments as text, nested tuples as lists."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and hasattr(value, "amount"):
        return str(value)
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
