"""Use cases: take in a broker's statement and compare it with our books, and list what was taken in."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING

from services.settlement.models import ImportedStatement
from services.settlement.statements import statement_read
from shared.errors import Conflict
from shared.money import plain

if TYPE_CHECKING:
    from services.settlement.broker_xml import BrokerStatement

DIGEST_OF = "reference", "day", "note"


def statement_import(*, account_id: str, statement: BrokerStatement) -> tuple[ImportedStatement, bool]:
    """Keeps a broker's statement next to what the books say, once per reference.

    Returns it and whether it is new. Conflict when the reference was used for another statement.
    """
    known = ImportedStatement.objects.filter(account_id=account_id, reference=statement.reference).first()
    kept, created = (known, False) if known else _keep(account_id, statement)
    if kept.digest != _digest(statement):
        raise Conflict("the reference was used for another statement", reference=statement.reference)
    return kept, created


def imports_list(*, account_id: str, before: int | None, limit: int) -> list[ImportedStatement]:
    """Up to `limit` statements of an account, latest first, older than the one with the id `before`."""
    rows = ImportedStatement.objects.filter(account_id=account_id)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:limit])


def _keep(account_id: str, statement: BrokerStatement) -> tuple[ImportedStatement, bool]:
    # Compared beforehand: the books are read in transactions of their own.
    content = {
        "day": statement.day,
        "note": statement.note,
        "digest": _digest(statement),
        "positions": _compared(account_id, statement),
    }
    return ImportedStatement.objects.get_or_create(
        account_id=account_id, reference=statement.reference, defaults=content
    )


def _compared(account_id: str, statement: BrokerStatement) -> list[dict[str, str]]:
    """Every asset that either side has, as the broker states it and as it is booked."""
    ours = statement_read(account_id=account_id, day=statement.day, limit=0)
    booked = {position.asset: position.closing for position in ours.positions}
    zero = Decimal(0)
    return [
        {
            "asset": asset,
            "stated": plain(statement.closings.get(asset, zero)),
            "booked": plain(booked.get(asset, zero)),
        }
        for asset in sorted(booked.keys() | statement.closings.keys())
    ]


def _digest(statement: BrokerStatement) -> str:
    parts = [str(getattr(statement, name)) for name in DIGEST_OF]
    parts += [f"{asset} {plain(amount)}" for asset, amount in sorted(statement.closings.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
