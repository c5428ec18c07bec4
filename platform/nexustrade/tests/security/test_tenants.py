"""What belongs to one tenant does not exist for another, whatever role he has there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.client import ApiClient, expect, log_in
from support.services import ask

from shared.security import Identity, service_tokens

pytestmark = pytest.mark.services("gateway", "auth", "users")

ELSEWHERE = "wholesale"


@pytest.fixture
def of_another_tenant(platform: Any, market: Any) -> Iterator[Callable[..., ApiClient]]:
    """Logs in a new user of another tenant, who has these roles there."""
    made: list[ApiClient] = []

    def user(*roles: str) -> ApiClient:
        _, username, password, user_id = market.new_user()
        with platform.connect("users_db") as connection:
            connection.execute(
                "UPDATE nexus_auth_user SET tenant = %s, roles = %s WHERE user_id = %s",
                (ELSEWHERE, list(roles), user_id),
            )
            connection.commit()
        made.append(log_in(platform.url("gateway"), username, password))
        return made[-1]

    yield user
    for each in made:
        each.close()


def open_account(user: ApiClient) -> dict[str, Any]:
    account: dict[str, Any] = expect(user.post("/v1/accounts", json={"name": "main"}), 201)
    return account


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("role", ["trader", "operator"])
def test_an_account_of_another_tenant_does_not_exist(
    market: Any, of_another_tenant: Callable[..., ApiClient], role: str, method: str
) -> None:
    """Neither a trader nor an operator of another tenant reads or closes it."""
    owner, *_ = market.new_user()
    path = f"/v1/accounts/{open_account(owner)['account_id']}"
    stranger = of_another_tenant(role, "trader")
    assert stranger.request(method, path).status_code == 404
    assert expect(owner.get(path), 200)["status"] == "open"


def test_an_operator_sees_the_accounts_of_his_tenant(
    operator: ApiClient, of_another_tenant: Callable[..., ApiClient]
) -> None:
    """Each operator reads accounts of his own tenant's users, and no others."""
    account = open_account(of_another_tenant("trader"))
    path = f"/v1/accounts/{account['account_id']}"
    assert of_another_tenant("operator").get(path).status_code == 200
    assert operator.get(path).status_code == 404


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/roles"), ("DELETE", "/roles/trader")])
def test_an_operator_hands_out_no_roles_elsewhere(
    market: Any, of_another_tenant: Callable[..., ApiClient], method: str, path: str
) -> None:
    """A user of another tenant is unknown to an operator, who can neither read nor change his roles."""
    client, username, *_ = market.new_user()
    stranger = of_another_tenant("operator")
    body = {"role": "operator"} if method == "POST" else None
    answer = stranger.request(method, f"/v1/auth/users/{username}{path}", json=body)
    assert answer.status_code == 404
    assert expect(client.get("/v1/auth/rights"), 200)["roles"] == ["trader"]


def test_an_account_carries_the_tenant_of_its_owner(
    platform: Any, of_another_tenant: Callable[..., ApiClient]
) -> None:
    """The tenant comes from the access token, and what the body says about it is not looked at."""
    body = {"name": "main", "tenant": "retail"}
    account = expect(of_another_tenant("trader").post("/v1/accounts", json=body), 201)
    rows = platform.sql(
        "users_db", "SELECT tenant FROM users_account WHERE account_id = %s", (account["account_id"],)
    )
    assert [row["tenant"] for row in rows] == [ELSEWHERE]


@pytest.mark.parametrize("tenant", ["", ELSEWHERE, "RETAIL"])
def test_the_same_subject_of_another_tenant_is_another_user(platform: Any, market: Any, tenant: str) -> None:
    """An owner's id opens his accounts together with his tenant only."""
    owner, _, _, user_id = market.new_user()
    account_id = open_account(owner)["account_id"]
    secret = platform.environment("users")["SERVICE_TOKEN_SECRET"]
    identity = Identity(user_id, roles=("trader",), permissions=("accounts:write",), tenant=tenant)
    token = service_tokens.issue("gateway", "users", identity, secret)
    headers = {"Authorization": f"Bearer {token}"}
    assert ask(platform, "users", f"/v1/accounts/{account_id}", headers=headers).status_code == 404
    assert ask(platform, "users", "/v1/accounts", headers=headers).json()["items"] == []


@pytest.mark.services("orders")
def test_nobody_trades_for_an_account_of_another_tenant(
    new_trader: Callable[..., Any], of_another_tenant: Callable[..., ApiClient]
) -> None:
    """An order for it is answered like one for an account that does not exist."""
    trader = new_trader()
    stranger = of_another_tenant("trader")
    body = trader.order_body("AAPL", "buy", 1, "10.00")
    answer = stranger.post("/v1/orders", json=body, headers={"Idempotency-Key": "k-" + trader.account_id})
    assert answer.status_code == 404
    assert expect(trader.client.get("/v1/orders"), 200)["items"] == []
