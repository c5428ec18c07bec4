from __future__ import annotations

from typing import Any

import pytest
from support.client import ApiClient, expect, log_in

from shared.security import jwt

pytestmark = pytest.mark.services("gateway", "auth", "users")


def open_account(client: ApiClient, name: str = "main") -> str:
    return expect(client.post("/v1/accounts", json={"name": name}), 201)["account_id"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_another_users_account_does_not_exist(market: Any, method: str) -> None:
    """Reading or closing an account of someone else is answered like an account that does not exist."""
    owner, *_ = market.new_user()
    stranger, *_ = market.new_user()
    account = open_account(owner)
    answer = stranger.request(method, f"/v1/accounts/{account}")
    absent = stranger.request(method, "/v1/accounts/00000000-0000-0000-0000-000000000000")
    assert answer.status_code == absent.status_code == 404
    assert answer.json()["type"] == absent.json()["type"]
    assert expect(owner.get(f"/v1/accounts/{account}"), 200)["status"] == "open"


def test_lists_hold_the_callers_accounts_only(market: Any) -> None:
    """Each user sees his own accounts and no others, whatever the query says."""
    owner, _, _, owner_id = market.new_user()
    stranger, *_ = market.new_user()
    mine, other = open_account(owner), open_account(stranger)
    listed = expect(stranger.get("/v1/accounts", params={"owner_id": owner_id}), 200)["items"]
    assert [account["account_id"] for account in listed] == [other]
    assert [account["account_id"] for account in expect(owner.get("/v1/accounts"), 200)["items"]] == [mine]


def test_an_operator_sees_any_account_of_his_tenant(market: Any, operator: ApiClient) -> None:
    """The operator reads accounts of all users of his tenant."""
    owner, *_ = market.new_user()
    account = open_account(owner)
    assert expect(operator.get(f"/v1/accounts/{account}"), 200)["account_id"] == account


def test_an_account_belongs_to_who_opened_it(market: Any) -> None:
    """An owner, a status or a tenant in the body of the request changes nothing."""
    _, _, _, victim = market.new_user()
    client, _, _, user_id = market.new_user()
    wishes = {"name": "mine", "owner_id": victim, "tenant": "other", "status": "closed", "account_id": "x"}
    account = expect(client.post("/v1/accounts", json=wishes), 201)
    assert (account["owner_id"], account["status"]) == (user_id, "open")
    assert account["account_id"] != "x"


def test_nobody_registers_with_rights_of_his_choice(platform: Any, market: Any) -> None:
    """Roles, permissions and tenant in a registration are not taken over."""
    username, password = market.name("u-"), market.name("Pw-9")
    wishes = {"roles": ["operator"], "permissions": ["roles:write"], "tenant": "house", "is_staff": True}
    client = ApiClient(platform.url("gateway"))
    body = {"username": username, "email": f"{username}@example.com", "password": password}
    expect(client.post("/v1/auth/register", json=body | wishes), 201)
    client.close()
    user = log_in(platform.url("gateway"), username, password)
    rights = expect(user.get("/v1/auth/rights"), 200)
    assert (rights["roles"], rights["tenant"]) == (["trader"], "retail")
    assert "roles:write" not in rights["permissions"]
    user.close()


def test_a_profile_has_no_rights_to_write(market: Any) -> None:
    """Writing roles or another user's id into a profile neither changes rights nor another's profile."""
    victim, _, _, victim_id = market.new_user()
    client, _, _, user_id = market.new_user()
    wishes = {"display_name": "Mallory", "user_id": victim_id, "roles": ["operator"], "tenant": "house"}
    profile = expect(client.put("/v1/users/me", json=wishes), 200)
    assert profile["user_id"] == user_id
    assert "roles" not in profile
    assert expect(victim.get("/v1/users/me"), 200)["display_name"] == ""
    assert expect(client.get("/v1/auth/rights"), 200)["roles"] == ["trader"]


def test_traders_cannot_hand_out_roles_or_change_keys(market: Any) -> None:
    """What is the operator's is refused to a trader, for himself and for others."""
    client, username, *_ = market.new_user()
    for method, path in (
        ("POST", f"/v1/auth/users/{username}/roles"),
        ("DELETE", "/v1/auth/users/operator/roles/operator"),
        ("GET", "/v1/auth/users/operator"),
        ("POST", "/v1/auth/keys"),
    ):
        answer = client.request(method, path, json={"role": "operator"} if method == "POST" else None)
        assert answer.status_code == 403, path


def test_a_role_comes_and_goes_with_the_next_token(platform: Any, market: Any, operator: ApiClient) -> None:
    """A granted role is in the next token, and once it is taken away it is in no later one."""
    _, username, password, _ = market.new_user()
    client = ApiClient(platform.url("gateway"))
    tokens = expect(client.post("/v1/auth/login", json={"username": username, "password": password}), 200)

    def roles_in_next_token() -> list[str]:
        nonlocal tokens
        body = {"refresh_token": tokens["refresh_token"]}
        tokens = expect(client.post("/v1/auth/refresh", json=body), 200)
        keys = jwt.public_keys(expect(client.get("/v1/auth/jwks"), 200))
        return list(jwt.verify(tokens["access_token"], keys).roles)

    assert roles_in_next_token() == ["trader"]
    expect(operator.post(f"/v1/auth/users/{username}/roles", json={"role": "auditor"}), 200)
    assert roles_in_next_token() == ["auditor", "trader"]
    expect(operator.delete(f"/v1/auth/users/{username}/roles/auditor"), 200)
    assert roles_in_next_token() == ["trader"]
    client.close()
