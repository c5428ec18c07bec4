"""HTTP: statements of brokers, under /v1/settlements/statements/{account_id}/imports."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router, Schema

from services.settlement import broker_xml, imports
from services.settlement.dependencies import dependencies
from services.settlement.models import ImportedStatement
from services.settlement.schemas import AccountId
from shared.errors import ValidationFailed
from shared.money import plain

router = Router(tags=["imports"])

Limit = Annotated[int, Query(ge=1, le=200)]
RowKey = Annotated[int, Query(ge=1, lt=2**63)]
XML = {"requestBody": {"required": True, "content": {"application/xml": {"schema": {"type": "string"}}}}}


class PositionOut(Schema):
    asset: str
    stated: str
    booked: str
    difference: str


class ImportOut(Schema):
    import_id: str
    account_id: str
    reference: str
    day: date
    note: str
    agrees: bool
    positions: list[PositionOut]
    imported_at: datetime


class ImportsOut(Schema):
    items: list[ImportOut]
    next: str | None


@router.post(
    "/settlements/statements/{account_id}/imports",
    response={200: ImportOut, 201: ImportOut},
    openapi_extra=XML,
)
def statement_import(request: HttpRequest, account_id: AccountId) -> tuple[int, ImportOut]:
    """Takes in a broker's statement (XML) and compares it with the books: 201 when it is new."""
    dependencies().accounts.require_any(request.identity, [account_id])
    if request.content_type not in {"application/xml", "text/xml"}:
        raise ValidationFailed("must be application/xml", field="content-type")
    statement = broker_xml.parse(request.body)
    kept, created = imports.statement_import(account_id=account_id, statement=statement)
    return (201 if created else 200), _import_out(kept)


@router.get("/settlements/statements/{account_id}/imports", response=ImportsOut)
def imports_list(
    request: HttpRequest, account_id: AccountId, before: RowKey | None = None, limit: Limit = 50
) -> ImportsOut:
    """Statements that were taken in, latest first."""
    dependencies().accounts.require_any(request.identity, [account_id])
    page = imports.imports_list(account_id=account_id, before=before, limit=limit)
    return ImportsOut(
        items=[_import_out(each) for each in page], next=str(page[-1].pk) if len(page) == limit else None
    )


def _import_out(kept: ImportedStatement) -> ImportOut:
    positions = [
        PositionOut(**each, difference=plain(Decimal(each["stated"]) - Decimal(each["booked"])))
        for each in kept.positions
    ]
    return ImportOut(
        import_id=str(kept.pk),
        account_id=kept.account_id,
        reference=kept.reference,
        day=kept.day,
        note=kept.note,
        agrees=all(each.stated == each.booked for each in positions),
        positions=positions,
        imported_at=kept.imported_at,
    )
