"""Statements of a broker that point at a file of the machine which reads them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from IPython.display import HTML

from lab.case import Incident
from lab.market import Trader
from lab.riskdesk.common import answered, market_of
from lab.style import coloured, table

#: What the file holds; it is made for the purpose, and no other is touched.
SECRET = "the-passphrase-of-settlement"  # noqa: S105 - made up
PLAIN = "plain text"
ENTITY, DOCTYPE = "an entity that is a file", "a document type that is a file"
_NEW, _REFUSED = 201, 422


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A statement: what its note is made of, the answer, and the note that the answer shows."""

    kind: str
    status: int
    note: str
    leaks: bool


@dataclass(frozen=True, kw_only=True)
class Statements:
    """What came of them; `document` is one that points at a file."""

    statements: tuple[Sent, ...]
    document: str

    @property
    def leaking(self) -> list[str]:
        return [each.kind for each in self.statements if each.leaks]

    @property
    def plain_taken(self) -> bool:
        """Whether an honest statement is taken in."""
        return all(each.status == _NEW for each in self.statements if each.kind == PLAIN)

    def __str__(self) -> str:
        if not self.leaking:
            return "no file is shown"
        return f"{len(self.leaking)} statements show a file of the machine"


def send(incident: Incident) -> Statements:
    """A client imports three statements: one plain, two that point at a file of ours."""
    trader = market_of(incident).new_trader(cash="0")
    with _files() as (secret, outside):
        points = {
            PLAIN: ("Closing positions", ""),
            ENTITY: ("&x;", f'<!DOCTYPE statement [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'),
            DOCTYPE: ("&x;", f'<!DOCTYPE statement SYSTEM "{outside.as_uri()}">'),
        }
        documents = {kind: _statement(kind, *parts) for kind, parts in points.items()}
        sent = tuple(_sent(trader, kind, document) for kind, document in documents.items())
    return Statements(statements=sent, document=documents[ENTITY])


@contextmanager
def _files() -> Iterator[tuple[Path, Path]]:
    """A file with a secret, and a document type that points at it."""
    with tempfile.TemporaryDirectory(prefix="nexus-statements-") as folder:
        secret, outside = Path(folder) / "secret.txt", Path(folder) / "outside.dtd"
        secret.write_text(SECRET, encoding="utf-8")
        outside.write_text(f'<!ENTITY x SYSTEM "{secret.as_uri()}">', encoding="utf-8")
        Path(folder).chmod(0o755)
        yield secret, outside


def _statement(kind: str, note: str, doctype: str) -> str:
    return (
        f'{doctype}<statement day="2026-11-24" reference="{kind}">\n'
        f'  <note>{note}</note>\n  <position asset="USD" closing="0"/>\n</statement>'
    )


def _sent(trader: Trader, kind: str, document: str) -> Sent:
    path = f"/v1/settlements/statements/{trader.account_id}/imports"
    headers = {"Content-Type": "application/xml"}
    answer = trader.client.post(path, content=document.encode(), headers=headers)
    answered(answer, 200, _NEW, _REFUSED)
    listed = answered(trader.client.get(path), 200)["items"]
    notes = [str(item["note"]) for item in listed if item["reference"] == kind]
    leaks = SECRET in answer.text or any(SECRET in note for note in notes)
    return Sent(kind=kind, status=answer.status_code, note=next(iter(notes), ""), leaks=leaks)


def shown(before: Statements, after: Statements | None = None) -> HTML:
    """A row for each statement: what is shown of it, before and after."""
    runs = [before] if after is None else [before, after]
    rows = [
        (each.kind, *(_shown(run.statements[number]) for run in runs))
        for number, each in enumerate(before.statements)
    ]
    heads = ["answer, and the note that it shows"] if after is None else ["before", "after"]
    return table(("the note is made of", *heads), rows, caption=str(runs[-1]))


def _shown(sent: Sent) -> HTML:
    note = f"{sent.status}: “{sent.note}”" if sent.note else f"{sent.status}: nothing is kept"
    return coloured(note, good=not sent.leaks and (sent.kind != PLAIN or sent.status == _NEW))
