"""Who reads and writes profiles, and which of their fields."""

from __future__ import annotations

from typing import Any

import pytest
from support.client import ApiClient, expect

pytestmark = pytest.mark.services("gateway", "auth", "users")

Person = tuple[ApiClient, str]  # a client and its user id


@pytest.fixture
def person(market: Any) -> Person:
    client, _, _, user_id = market.new_user()
    expect(client.put("/v1/users/me", json={"display_name": "Ada"}), 200)
    return client, user_id


@pytest.fixture
def stranger(market: Any) -> Person:
    client, _, _, user_id = market.new_user()
    expect(client.put("/v1/users/me", json={"display_name": "Mallory"}), 200)
    return client, user_id


def open_account(client: ApiClient) -> str:
    account: str = expect(client.post("/v1/accounts", json={"name": "main"}), 201)["account_id"]
    return account


def profile_path(account_id: str) -> str:
    return f"/v1/accounts/{account_id}/profile"


def test_the_profile_of_another_s_account_is_not_read(person: Person, stranger: Person) -> None:
    """Contact details of an account are shown to its owner; for a stranger there is no such account."""
    path = profile_path(open_account(person[0]))
    details = {"contact_name": "Ada", "contact_email": "ada@example.com"}
    expect(person[0].patch(path, json=details), 200)
    answer = stranger[0].get(path)
    absent = stranger[0].get(profile_path("00000000-0000-0000-0000-000000000000"))
    assert "ada@example.com" not in answer.text
    assert (answer.status_code, answer.json()["title"]) == (404, absent.json()["title"]), answer.text


def test_an_empty_profile_tells_nothing_of_its_account(person: Person, stranger: Person) -> None:
    """Also an account whose profile nobody has filled in does not exist for a stranger."""
    answer = stranger[0].get(profile_path(open_account(person[0])))
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(
    "change", [{"contact_email": "mallory@example.com"}, {"paper_statements": True}, {}], ids=str
)
def test_the_profile_of_another_s_account_is_not_changed(
    person: Person, stranger: Person, change: dict[str, Any]
) -> None:
    """A stranger cannot have an account's papers sent elsewhere."""
    path = profile_path(open_account(person[0]))
    before = expect(person[0].patch(path, json={"contact_email": "ada@example.com"}), 200)
    answer = stranger[0].patch(path, json=change)
    assert answer.status_code == 404, answer.text
    assert expect(person[0].get(path), 200) == before


def test_an_account_is_not_renamed_by_another(person: Person, stranger: Person) -> None:
    """The name of an account is its owner's to choose."""
    path = f"/v1/accounts/{open_account(person[0])}"
    expect(stranger[0].patch(path, json={"name": "mine"}), 404)
    assert expect(person[0].get(path), 200)["name"] == "main"


def test_an_operator_reads_any_profile(person: Person, operator: ApiClient) -> None:
    """Support can look up whom an account's papers go to."""
    path = profile_path(open_account(person[0]))
    expect(person[0].patch(path, json={"contact_name": "Ada"}), 200)
    assert expect(operator.get(path), 200)["contact_name"] == "Ada"
    assert expect(operator.get(f"/v1/users/{person[1]}"), 200)["display_name"] == "Ada"


def test_the_profile_of_another_user_does_not_exist(person: Person, stranger: Person) -> None:
    """Users read their own profile and no other."""
    assert expect(person[0].get(f"/v1/users/{person[1]}"), 200)["display_name"] == "Ada"
    expect(stranger[0].get(f"/v1/users/{person[1]}"), 404)
    expect(stranger[0].get("/v1/users"), 403)


GRANTS = [
    {"standing": "administrator"},
    {"standing": "administrator", "verified": True},
    {"display_name": "Mallory", "country": "GB", "standing": "administrator"},
]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("grant", GRANTS, ids="+".join)
def test_nobody_makes_himself_administrator(stranger: Person, method: str, grant: dict[str, Any]) -> None:
    """A standing in the profile that a user writes changes nothing, and opens nothing to him."""
    client, _ = stranger
    answer = client.request(method, "/v1/users/me", json=grant)
    assert answer.status_code in {200, 422}, answer.text
    profile = expect(client.get("/v1/users/me"), 200)
    assert (profile["standing"], profile["verified"]) == ("member", False)
    assert client.get("/v1/users").status_code == 403, "the profiles of the tenant were shown"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_nobody_verifies_himself(stranger: Person, method: str) -> None:
    """Whether somebody is who he says is not his to say."""
    client, _ = stranger
    client.request(method, "/v1/users/me", json={"verified": True})
    assert expect(client.get("/v1/users/me"), 200)["verified"] is False


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_an_operator_said_stays(person: Person, operator: ApiClient, method: str) -> None:
    """A user who writes his profile neither gains nor loses what an operator said about him."""
    client, user_id = person
    said = {"verified": True, "standing": "administrator"}
    expect(operator.put(f"/v1/users/{user_id}/standing", json=said), 200)
    expect(client.request(method, "/v1/users/me", json={"display_name": "A. L."}), 200)
    expect(client.request(method, "/v1/users/me", json={"verified": False}), 200)
    profile = expect(client.get("/v1/users/me"), 200)
    assert {name: profile[name] for name in said} == said


@pytest.mark.parametrize("field", ["user_id", "tenant", "updated_at", "is_operator"])
def test_other_fields_of_a_profile_are_not_written(person: Person, stranger: Person, field: str) -> None:
    """Neither another's id nor a tenant can be written into a profile."""
    client, user_id = stranger
    before = expect(person[0].get("/v1/users/me"), 200)
    answer = client.patch("/v1/users/me", json={"display_name": "Mallory", field: person[1]})
    assert answer.status_code in {200, 422}, answer.text
    assert expect(client.get("/v1/users/me"), 200)["user_id"] == user_id
    assert expect(person[0].get("/v1/users/me"), 200) == before


def test_a_standing_is_an_operator_s_to_give(person: Person, stranger: Person) -> None:
    """Users cannot change standings, neither their own nor another's."""
    body = {"verified": True, "standing": "administrator"}
    for _, user_id in (person, stranger):
        expect(stranger[0].put(f"/v1/users/{user_id}/standing", json=body), 403)
    assert expect(person[0].get("/v1/users/me"), 200)["standing"] == "member"


def test_an_administrator_reads_and_does_not_write(
    person: Person, stranger: Person, operator: ApiClient
) -> None:
    """The administrator of a tenant sees its profiles, and changes nobody's standing or accounts."""
    client, user_id = stranger
    body = {"verified": True, "standing": "administrator"}
    expect(operator.put(f"/v1/users/{user_id}/standing", json=body), 200)
    assert expect(client.get(f"/v1/users/{person[1]}"), 200)["user_id"] == person[1]
    expect(client.put(f"/v1/users/{person[1]}/standing", json=body), 403)
    expect(client.patch(profile_path(open_account(person[0])), json={}), 404)
    page = expect(client.get("/v1/users?limit=1"), 200)
    assert len(page["items"]) == 1
    assert page["next"] == page["items"][0]["user_id"]
