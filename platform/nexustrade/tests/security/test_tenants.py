"""What belongs to one tenant does not exist for another, whatever role he has there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from support.client import ApiClient, Trader, expect
from support.services import ask
from support.settlement import make_trade, net_day, settle_all
from support.tenants import ELSEWHERE, user_elsewhere
from support.wait import until

from shared.security import Identity, service_tokens

pytestmark = pytest.mark.services("gateway", "auth", "users")


@pytest.fixture
def of_another_tenant(market: Any) -> Iterator[Callable[..., ApiClient]]:
    """Logs in a new user of another tenant, who has these roles there."""
    made: list[ApiClient] = []

    def user(*roles: str) -> ApiClient:
        made.append(user_elsewhere(market, *roles))
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


def trader_elsewhere(user: ApiClient, operator: ApiClient) -> Trader:
    """What `new_trader` makes, in the tenant of the two."""
    account_id = open_account(user)["account_id"]
    expect(operator.put(f"/v1/risk/limits/{account_id}", json={"limit": "1000"}), 200)
    deposit = {"amount": "1000", "reference": "start"}
    expect(operator.post(f"/v1/balances/{account_id}/cash", json=deposit), 201)
    return Trader(client=user, username="", password="", user_id="", account_id=account_id)


@pytest.mark.services("orders", "risk", "settlement", "audit")
def test_an_operator_works_for_his_tenant(
    operator: ApiClient, of_another_tenant: Callable[..., ApiClient], new_symbol: Callable[[], str]
) -> None:
    """He sees the order, the limit and the money of a trader of his, and cancels the order."""
    boss = of_another_tenant("operator", "trader")
    trader, symbol = trader_elsewhere(of_another_tenant("trader"), boss), new_symbol()
    order_id = expect(trader.submit(symbol, "buy", "10", "2.00"), 201)["order_id"]
    assert expect(boss.get(f"/v1/orders/{order_id}"), 200)["account_id"] == trader.account_id
    listed = expect(boss.get("/v1/orders", params={"symbol": symbol}), 200)["items"]
    assert [each["order_id"] for each in listed] == [order_id]
    assert expect(operator.get("/v1/orders", params={"symbol": symbol}), 200)["items"] == []
    assert expect(boss.get(f"/v1/risk/limits/{trader.account_id}"), 200)["used"] == "20"
    assert expect(boss.get(f"/v1/balances/{trader.account_id}"), 200)["cash"]["amount"] == "1000.00"
    assert boss.delete(f"/v1/orders/{order_id}").status_code == 202
    until(
        lambda: expect(boss.get("/v1/audit/entries", params={"aggregate_id": order_id}), 200)["items"],
        message="the order is in his audit trail",
    )
    theirs = expect(operator.get("/v1/audit/entries", params={"aggregate_id": order_id}), 200)
    assert theirs["items"] == []


@pytest.mark.services("orders", "matching", "settlement")
def test_lists_of_all_accounts_are_of_those_of_the_tenant(
    operator: ApiClient,
    new_trader: Callable[..., Trader],
    of_another_tenant: Callable[..., ApiClient],
    new_symbol: Callable[[], str],
) -> None:
    """Orders, trades and obligations without an account are those of the operator's own tenant."""
    buyer, seller, symbol = new_trader(), new_trader(), new_symbol()
    trade = make_trade(operator, buyer, seller, symbol, "2", "3.00")
    net_day(operator, date.fromisoformat(trade["trade_date"]))
    for client, orders, trades, nets in ((operator, 2, 1, 2), (of_another_tenant("operator"), 0, 0, 0)):
        assert len(all_of(client, "/v1/orders", symbol, symbol=symbol)) == orders
        assert len(all_of(client, "/v1/settlements", symbol, after=f"{symbol}-")) == trades
        assert len(all_of(client, "/v1/settlements/nets", symbol, trade_date=trade["trade_date"])) == nets


@pytest.mark.services("orders", "matching", "settlement")
def test_an_operator_charges_fees_of_others_unseen(
    operator: ApiClient,
    new_trader: Callable[..., Trader],
    of_another_tenant: Callable[..., ApiClient],
    new_symbol: Callable[[], str],
) -> None:
    """A charge of all accounts takes in those of other tenants, and tells of none of them."""
    symbol = new_symbol()
    buyer, seller = new_trader(), new_trader(shares={symbol: "100"})
    trade = make_trade(operator, buyer, seller, symbol, "100", "100.00")
    settle_all(operator, "2099-12-31", buyer.account_id)

    def accrued() -> Decimal:
        params = {"account_id": buyer.account_id}
        return Decimal(expect(buyer.client.get("/v1/settlements/fees", params=params), 200)["accrued"])

    assert accrued() > 0
    body = {"as_of": trade["trade_date"]}
    charged = expect(of_another_tenant("operator").post("/v1/settlements/fees/charge", json=body), 200)
    assert charged["items"] == []
    assert accrued() == 0


def all_of(client: ApiClient, path: str, symbol: str, /, **params: str) -> list[dict[str, Any]]:
    """What a list, read to its end, has in a symbol."""
    items: list[dict[str, Any]] = []
    following: str | None = params.pop("after", None)
    while True:
        page = {**params, "limit": 100} | ({} if following is None else {"after": following})
        answer = expect(client.get(path, params=page), 200)
        items += [each for each in answer["items"] if each["symbol"] == symbol]
        following = answer["next"]
        if following is None:
            return items


@pytest.mark.services("risk")
def test_the_tenant_of_an_old_limit_is_asked_for(
    platform: Any,
    operator: ApiClient,
    new_trader: Callable[..., Trader],
    of_another_tenant: Callable[..., ApiClient],
) -> None:
    """A limit from before tenants were noted is its tenant's operators' all the same, and no others'."""
    account_id = forgotten(platform, new_trader(), "risk_exposurelimit")
    path = f"/v1/risk/limits/{account_id}"
    assert of_another_tenant("operator").get(path).status_code == 404
    assert operator.get(path).status_code == 200
    assert tenant_in(platform, "risk_exposurelimit", account_id) == "retail"


@pytest.mark.services("orders")
def test_the_tenant_of_an_old_account_is_asked_for(
    platform: Any,
    operator: ApiClient,
    new_trader: Callable[..., Trader],
    of_another_tenant: Callable[..., ApiClient],
    new_symbol: Callable[[], str],
) -> None:
    """Orders for an account from before tenants were noted are taken from operators of its tenant alone."""
    trader, symbol = new_trader(), new_symbol()
    body = trader.order_body(symbol, "buy", 1, "1.00")
    account_id = forgotten(platform, trader, "orders_accountref")
    stranger = of_another_tenant("operator", "trader")
    answers = [
        client.post("/v1/orders", json=body, headers={"Idempotency-Key": f"k-{account_id}"}).status_code
        for client in (stranger, operator)
    ]
    assert answers == [404, 201]
    assert tenant_in(platform, "orders_accountref", account_id) == "retail"


def forgotten(platform: Any, trader: Trader, table: str) -> str:
    """The trader's account, whose tenant the table does not tell any more."""
    until(lambda: tenant_in(platform, table, trader.account_id), message="the tenant is noted at first")
    platform.sql("orders_db", f"UPDATE {table} SET tenant = '' WHERE account_id = %s", (trader.account_id,))
    return trader.account_id


def tenant_in(platform: Any, table: str, account_id: str) -> str:
    rows = platform.sql("orders_db", f"SELECT tenant FROM {table} WHERE account_id = %s", (account_id,))
    return str(rows[0]["tenant"]) if rows else ""
