"""What a broker's statement says: XML from outside, read without following anything that it points at.

    <statement day="2026-11-24" reference="BRK-2026-11-24">
      <note>Closing positions</note>
      <position asset="USD" closing="1000.50"/>
      <position asset="AAPL" closing="12"/>
    </statement>

A document type is refused, and with it entities of every kind: a statement needs none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from shared.errors import ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 256 * 1024
MAX_POSITIONS = 1000
MAX_NOTE = 1000  # characters
MAX_REFERENCE = 100
MAX_ASSET = 16
PLACES = 18  # as the books keep them
LARGEST = Decimal(10**18)
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class BrokerStatement:
    """The closing position of each asset, as the broker has it at the end of `day`."""

    reference: str
    day: date
    note: str
    closings: dict[str, Decimal]


def parse(content: bytes) -> BrokerStatement:
    """ValidationFailed names the part of the document that is not as it should be."""
    if len(content) > MAX_BYTES:
        raise ValidationFailed(f"must have {MAX_BYTES} bytes at most", field="statement")
    root = _document(content)
    if root.tag != "statement":
        raise ValidationFailed("the document must be a statement", field="statement")
    return BrokerStatement(
        reference=_text(root.get("reference"), "reference", MAX_REFERENCE),
        day=_day(root.get("day")),
        note=_text(root.findtext("note"), "note", MAX_NOTE, required=False),
        closings=dict(_closings(root)),
    )


def _document(content: bytes) -> Any:
    from lxml import etree  # few requests need it, every service process would pay for it

    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ValidationFailed("is not well-formed XML", field="statement") from error
    if root.getroottree().docinfo.doctype:
        raise ValidationFailed("must not declare a document type", field="statement")
    return root


def _closings(root: Any) -> Iterator[tuple[str, Decimal]]:
    positions = root.findall("position")
    if len(positions) > MAX_POSITIONS:
        raise ValidationFailed(f"must have {MAX_POSITIONS} positions at most", field="position")
    assets = [position.get("asset") for position in positions]
    if len(set(assets)) < len(assets):
        raise ValidationFailed("one position per asset", field="position.asset")
    for position in positions:
        yield _text(position.get("asset"), "position.asset", MAX_ASSET), _amount(position.get("closing"))


def _text(value: str | None, field: str, length: int, *, required: bool = True) -> str:
    text = (value or "").strip()
    if required and not text:
        raise ValidationFailed("is missing", field=field)
    if len(text) > length or "\x7f" in text:
        raise ValidationFailed(f"must be text of at most {length} characters", field=field)
    return text


def _day(value: str | None) -> date:
    try:
        day = date.fromisoformat(value or "")
    except ValueError as error:
        raise ValidationFailed("must be a day such as 2026-11-24", field="day") from error
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValidationFailed("must be a day such as 2026-11-24", field="day")
    return day


def _amount(value: str | None) -> Decimal:
    try:
        amount = Decimal(value or "")
        if -LARGEST < amount < LARGEST and int(amount.as_tuple().exponent) >= -PLACES:
            return amount
    except InvalidOperation:
        pass
    raise ValidationFailed("must be a decimal number", field="position.closing")
