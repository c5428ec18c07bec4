"""HTTP: /v1/audit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from services.audit import services
from services.audit.chain import Verdict
from services.audit.models import AuditEntry

router = Router(tags=["audit"])

READERS = ("operator", "auditor")


class EntryOut(Schema):
    sequence: int
    event_id: str
    event_type: str
    topic: str
    producer: str
    aggregate_id: str
    occurred_at: datetime
    recorded_at: datetime
    trace_id: str
    payload: dict[str, Any]
    previous_hash: str
    hash: str


class EntriesOut(Schema):
    items: list[EntryOut]
    next: int | None


class VerdictOut(Schema):
    valid: bool
    entries: int
    broken_at: int | None


@router.get("/audit/entries", response=EntriesOut)
def entries(
    request: HttpRequest,
    aggregate_id: Annotated[str | None, Query(max_length=128)] = None,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, list[AuditEntry] | int | None]:
    """Entries in the order of the chain, but for those about accounts of other tenants."""
    request.identity.require_role(*READERS)
    page = services.entry_list(
        aggregate_id=aggregate_id, after=after, limit=limit, tenant=request.identity.tenant
    )
    return {"items": page, "next": page[-1].sequence if len(page) == limit else None}


@router.get("/audit/verify", response=VerdictOut)
def verify(request: HttpRequest) -> Verdict:
    """Recomputes the whole chain."""
    request.identity.require_role(*READERS)
    return services.chain_verify()
