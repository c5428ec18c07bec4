"""What a broker's statement can make settlement show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.client import Trader, expect

pytestmark = pytest.mark.services("gateway", "users", "settlement")

SECRET = "a secret of this machine"


def send(trader: Trader, text: str, *, account_id: str | None = None, kind: str = "application/xml") -> Any:
    path = f"/v1/settlements/statements/{account_id or trader.account_id}/imports"
    return trader.client.post(path, content=text.encode(), headers={"Content-Type": kind})


def statement(note: str = "", doctype: str = "") -> str:
    return f'{doctype}<statement day="2026-11-24" reference="r"><note>{note}</note></statement>'


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(SECRET)
    for folder in (tmp_path, tmp_path.parent):
        folder.chmod(0o755)
    return path


@pytest.mark.parametrize("way", ["entity", "document type"])
def test_a_file_of_the_machine_is_not_shown(new_trader, secret: Path, way: str) -> None:
    """A statement that points at a file gets nothing of it back, neither now nor from the list."""
    trader = new_trader(cash="0")
    entity = f'<!ENTITY x SYSTEM "{secret.as_uri()}">'
    doctype = f"<!DOCTYPE statement [{entity}]>"
    if way == "document type":
        outside = secret.with_suffix(".dtd")
        outside.write_text(entity)
        doctype = f'<!DOCTYPE statement SYSTEM "{outside.as_uri()}">'
    answer = send(trader, statement("&x;", doctype))
    assert SECRET not in answer.text
    assert answer.status_code == 422, answer.text
    listed = trader.client.get(f"/v1/settlements/statements/{trader.account_id}/imports")
    assert expect(listed, 200)["items"] == []


def test_the_machine_s_users_are_not_shown(new_trader) -> None:
    """The best known file of all stays where it is."""
    doctype = '<!DOCTYPE statement [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    answer = send(new_trader(cash="0"), statement("&x;", doctype))
    assert ("root:" in answer.text, answer.status_code) == (False, 422), answer.text


def test_a_statement_that_grows_is_refused(new_trader) -> None:
    """Entities within entities do not fill the memory of the service, and it goes on answering."""
    trader = new_trader(cash="0")
    levels = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)]
    doctype = f'<!DOCTYPE statement [<!ENTITY e0 "ha">{"".join(levels)}]>'
    for text in (statement("&e9;", doctype), statement("", doctype).replace('"r"', '"&e9;"')):
        expect(send(trader, text), 422)
    expect(send(trader, statement("fine")), 201)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_statements_of_another_do_not_exist(new_trader, method: str) -> None:
    """A stranger neither reads nor adds statements of an account."""
    owner, stranger = new_trader(cash="0"), new_trader(cash="0")
    expect(send(owner, statement("mine")), 201)
    path = f"/v1/settlements/statements/{owner.account_id}/imports"
    content = statement("theirs").encode() if method == "POST" else None
    headers = {"Content-Type": "application/xml"}
    answer = stranger.client.request(method, path, content=content, headers=headers)
    assert answer.status_code == 404
    assert [each["note"] for each in expect(owner.client.get(path), 200)["items"]] == ["mine"]


@pytest.mark.parametrize("kind", ["application/json", "text/html", "multipart/form-data", ""])
def test_other_kinds_of_content_are_refused(new_trader, kind: str) -> None:
    """Only XML is read as XML."""
    problem = expect(send(new_trader(cash="0"), statement(), kind=kind), 422)
    assert problem["errors"][0]["field"] == "content-type"
