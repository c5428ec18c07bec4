"""Reading a broker's statement, and what it may not bring along."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from services.settlement.broker_xml import MAX_BYTES, BrokerStatement, parse
from shared.errors import ValidationFailed

pytestmark = pytest.mark.services("settlement")

GOOD = """<?xml version="1.0"?>
<statement day="2026-11-24" reference="BRK-1"><note> Closing &amp; more </note>
<position asset="USD" closing="1000.50"/><position asset="AAPL" closing="-12"/></statement>"""


def read(text: str) -> BrokerStatement | None:
    """The statement, None when it is refused."""
    try:
        return parse(text.encode())
    except ValidationFailed:
        return None


def test_a_statement_is_read() -> None:
    """Day, reference, note and the closing position of each asset, exactly."""
    assert parse(GOOD.encode()) == BrokerStatement(
        reference="BRK-1",
        day=date(2026, 11, 24),
        note="Closing & more",
        closings={"USD": Decimal("1000.50"), "AAPL": Decimal(-12)},
    )


def test_a_statement_in_another_encoding_is_read() -> None:
    """The document says how it is encoded."""
    text = GOOD.replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>')
    assert parse(text.encode("utf-16")) == parse(GOOD.encode())


def statement_with(declaration: str, note: str = "&x;", outside: str = "") -> str:
    body = f'<statement day="2026-11-24" reference="r"><note>{note}</note></statement>'
    return f"<!DOCTYPE statement {outside} [{declaration}]>{body}"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of this machine that no statement should show."""
    path = tmp_path / "secret.txt"
    path.write_text("a secret of this machine")
    return path


def test_a_file_is_not_read_through_an_entity(secret: Path) -> None:
    """An entity that names a file brings nothing of it into the statement."""
    found = read(statement_with(f'<!ENTITY x SYSTEM "{secret.as_uri()}">'))
    assert found is None, f"the note says {found.note!r}"


def test_a_file_is_not_read_through_a_document_type(secret: Path) -> None:
    """A document type that is kept elsewhere is not fetched either."""
    outside = secret.with_suffix(".dtd")
    outside.write_text(f'<!ENTITY x SYSTEM "{secret.as_uri()}">')
    found = read(statement_with("", outside=f'SYSTEM "{outside.as_uri()}"'))
    assert found is None, f"the note says {found.note!r}"


def test_a_file_is_not_read_through_a_parameter(secret: Path) -> None:
    """Nor is one that is named in an entity of the document type's own."""
    outside = secret.with_suffix(".ent")
    outside.write_text(f'<!ENTITY x SYSTEM "{secret.as_uri()}">')
    found = read(statement_with(f'<!ENTITY % all SYSTEM "{outside.as_uri()}"> %all;'))
    assert found is None, f"the note says {found.note!r}"


@pytest.mark.parametrize("declaration", ["", '<!ENTITY x "harmless">', "<!ELEMENT note ANY>"])
def test_a_document_type_is_refused(declaration: str) -> None:
    """A statement has no use for one, so none is read."""
    assert read(statement_with(declaration, note="")) is None


def test_an_entity_that_grows_is_refused() -> None:
    """A short document does not become a long one."""
    levels = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9)]
    text = statement_with("".join(['<!ENTITY e0 "ha">', *levels]), note="&e8;")
    assert len(text) < 1000
    assert read(text) is None


def test_a_long_statement_is_refused() -> None:
    """A document has a largest size, however it is filled."""
    assert read(GOOD.replace("Closing", "x" * MAX_BYTES)) is None
    many = "".join(f'<position asset="S{n}" closing="1"/>' for n in range(1001))
    assert read(f'<statement day="2026-11-24" reference="r">{many}</statement>') is None


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("2026-11-24", "24.11.2026", "day"),
        ("2026-11-24", "9999-12-31", "day"),
        (' day="2026-11-24"', "", "day"),
        ("BRK-1", "", "reference"),
        ("BRK-1", "x" * 101, "reference"),
        (" Closing", "x" * 1001, "note"),
        ("1000.50", "NaN", "position.closing"),
        ("1000.50", "1e30", "position.closing"),
        ("1000.50", "0.0000000000000000001", "position.closing"),
        ("1000.50", "much", "position.closing"),
        ("AAPL", "USD", "position.asset"),
        ("AAPL", "", "position.asset"),
        ("AAPL", "A" * 17, "position.asset"),
        ("<statement", "<position", "statement"),
        ("</statement>", "", "statement"),
    ],
)
def test_a_bad_statement_is_refused_by_its_part(old: str, new: str, field: str) -> None:
    """What is wrong with a statement is named."""
    with pytest.raises(ValidationFailed) as refusal:
        parse(GOOD.replace(old, new, 1).encode())
    assert refusal.value.field == field
