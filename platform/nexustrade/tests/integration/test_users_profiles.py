"""Profiles of users and of accounts."""

from __future__ import annotations

from typing import Any

import pytest
from support.client import expect

pytestmark = pytest.mark.services("gateway", "auth", "users")


def test_a_change_leaves_the_rest(market: Any) -> None:
    """PATCH writes what is named, PUT empties what is not."""
    client, *_ = market.new_user()
    expect(client.put("/v1/users/me", json={"display_name": "Ada", "country": "GB"}), 200)
    assert expect(client.patch("/v1/users/me", json={"country": "FR"}), 200)["display_name"] == "Ada"
    emptied = expect(client.put("/v1/users/me", json={"country": "FR"}), 200)
    assert (emptied["display_name"], emptied["country"]) == ("", "FR")


def test_the_profile_of_an_account_is_kept(market: Any) -> None:
    """It is empty at first, then what was written last, field by field."""
    client, *_ = market.new_user()
    account_id = expect(client.post("/v1/accounts", json={"name": "main"}), 201)["account_id"]
    path = f"/v1/accounts/{account_id}/profile"
    empty = {"account_id": account_id, "contact_name": "", "contact_email": "", "paper_statements": False}
    assert expect(client.get(path), 200) == empty
    expect(client.patch(path, json={"contact_email": "ada@example.com"}), 200)
    expect(client.patch(path, json={"paper_statements": True}), 200)
    written = empty | {"contact_email": "ada@example.com", "paper_statements": True}
    assert expect(client.get(path), 200) == written


def test_an_account_gets_another_name(market: Any) -> None:
    """A new name is kept; nothing else of the account changes with it."""
    client, *_ = market.new_user()
    account = expect(client.post("/v1/accounts", json={"name": "main"}), 201)
    path = f"/v1/accounts/{account['account_id']}"
    wanted = {"name": "Savings", "status": "closed", "currency": "EUR", "owner_id": "x"}
    assert expect(client.patch(path, json=wanted), 200) == account | {"name": "Savings"}
    assert expect(client.get(path), 200) == account | {"name": "Savings"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"contact_email": "nobody"}, "contact_email"),
        ({"contact_email": "a@b\r\nBcc: c@d"}, "contact_email"),
        ({"contact_name": "x" * 81}, "contact_name"),
        ({"contact_name": None}, "contact_name"),
        ({"paper_statements": "perhaps"}, "paper_statements"),
    ],
)
def test_a_bad_profile_is_refused_by_field(market: Any, body: dict[str, Any], field: str) -> None:
    """What breaks a rule gets 422 and the name of the field, and nothing of it is kept."""
    client, *_ = market.new_user()
    account_id = expect(client.post("/v1/accounts", json={"name": "main"}), 201)["account_id"]
    path = f"/v1/accounts/{account_id}/profile"
    before = expect(client.get(path), 200)
    problem = expect(client.patch(path, json=body), 422)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert expect(client.get(path), 200) == before
