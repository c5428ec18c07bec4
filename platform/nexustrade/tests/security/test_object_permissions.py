"""Every operation that names an object of a user, asked by those whose object it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.client import ApiClient
from support.objects import Victim, object_operations, service_of
from support.services import ask
from support.tenants import user_elsewhere
from support.wait import until

from shared.security import Identity, service_tokens

pytestmark = pytest.mark.services(
    "gateway", "auth", "users", "orders", "risk", "settlement", "notifications", "audit"
)

STRANGER, FOREIGN_OPERATOR = "stranger", "operator of another tenant"
CALLERS = (STRANGER, FOREIGN_OPERATOR)
# What strangers get of some lists: one that holds nothing.
EMPTY = 200

ORDER = {"symbol": "{symbol}", "side": "buy", "order_type": "limit", "quantity": "1", "price": "1.00"}
RESERVATION = {"order_id": "{order_id}", "account_id": "{account_id}", "symbol": "{symbol}", "side": "buy"}
DAY = "2026-11-16"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A request about an object of the victim's, and what strangers are answered.

    `whose` is who may send it: its "owner", the "operator" of his tenant, or the "service" that it is
    reserved to. `made` names an object that must be there beforehand and that the request does not name.
    """

    method: str
    path: str
    whose: str = "owner"
    parts: dict[str, Any] = field(default_factory=dict)
    made: str = "account_id"
    stranger: int = 404
    operator: int = 404

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def owners(method: str, path: str, **fields: Any) -> Recipe:
    """What the owner may do: for others there is nothing."""
    made, answers = fields.pop("made", "account_id"), fields.pop("answers", 404)
    return Recipe(method=method, path=path, parts=fields, made=made, stranger=answers, operator=answers)


def operators(method: str, path: str, **fields: Any) -> Recipe:
    """What an operator may do: a trader may not, and for an operator of elsewhere there is nothing."""
    made, answers = fields.pop("made", "account_id"), fields.pop("answers", 404)
    return Recipe(
        method=method, path=path, whose="operator", parts=fields, made=made, stranger=403, operator=answers
    )


def services(method: str, path: str, **fields: Any) -> Recipe:
    """What one service asks another: nobody else may."""
    return Recipe(method=method, path=path, whose="service", parts=fields, stranger=403, operator=403)


WEBHOOK = "/v1/notifications/webhooks/{account_id}"
STATEMENT = "/v1/settlements/statements/{account_id}"
RUN = {"as_of": DAY, "account_id": "{account_id}"}

RECIPES = [
    owners("DELETE", "/v1/auth/sessions/{session_id}"),
    owners("DELETE", "/v1/auth/api-keys/{key_id}"),
    operators("GET", "/v1/auth/users/{username}"),
    operators("POST", "/v1/auth/users/{username}/roles", json={"role": "auditor"}),
    operators("DELETE", "/v1/auth/users/{username}/roles/{role}"),
    owners("GET", "/v1/users/{user_id}"),
    operators("PUT", "/v1/users/{user_id}/standing", json={"verified": True, "standing": "member"}),
    owners("GET", "/v1/accounts/{account_id}"),
    owners("PATCH", "/v1/accounts/{account_id}", json={"name": "mine"}),
    owners("DELETE", "/v1/accounts/{account_id}"),
    owners("GET", "/v1/accounts/{account_id}/profile"),
    owners("PATCH", "/v1/accounts/{account_id}/profile", json={"contact_name": "Mallory"}),
    owners("POST", "/v1/orders", json={**ORDER, "account_id": "{account_id}"}),
    owners("GET", "/v1/orders", params={"account_id": "{account_id}"}, made="order_id", answers=EMPTY),
    owners("GET", "/v1/orders/{order_id}"),
    owners("PATCH", "/v1/orders/{order_id}", json={"quantity": "1"}),
    owners("DELETE", "/v1/orders/{order_id}"),
    owners("POST", "/v1/spreads", json={"account_id": "{account_id}", "legs": [ORDER, ORDER]}),
    owners("GET", "/v1/spreads/{spread_id}"),
    services("POST", "/internal/v1/reservations", json={**RESERVATION, "quantity": "1", "price": "1.00"}),
    services(
        "POST",
        "/internal/v1/reservations/batch",
        json={"reservations": [{**RESERVATION, "quantity": "1", "price": "1.00"}]},
    ),
    services("PATCH", "/internal/v1/reservations/{order_id}", json={"quantity": "1", "price": "1.00"}),
    services("DELETE", "/internal/v1/reservations/{order_id}"),
    owners("GET", "/v1/risk/limits/{account_id}"),
    operators("PUT", "/v1/risk/limits/{account_id}", json={"limit": "1", "used": "0"}),
    owners("GET", "/v1/risk/positions/{account_id}"),
    owners("GET", "/v1/risk/reservations/{account_id}"),
    owners("GET", "/v1/risk/margin/{account_id}"),
    operators("PUT", "/v1/risk/margin/{account_id}", json={"collateral": "1", "cross": True}),
    owners("GET", "/v1/risk/margin/{account_id}/calls"),
    owners("GET", "/v1/risk/pnl/{account_id}"),
    owners("GET", "/v1/risk/var/{account_id}"),
    operators("PUT", "/v1/risk/var/{account_id}", json={"limit": "1"}),
    owners(
        "POST", STATEMENT + "/imports", content=f'<statement day="{DAY}" reference="r"><note/></statement>'
    ),
    owners("GET", STATEMENT + "/imports"),
    owners("GET", STATEMENT, params={"day": DAY}),
    owners("GET", "/v1/settlements", params={"account_id": "{account_id}"}, made="trade_id"),
    owners("GET", "/v1/settlements/nets", params={"account_id": "{account_id}"}),
    owners("GET", "/v1/settlements/fees", params={"account_id": "{account_id}"}),
    owners("GET", "/v1/settlements/{trade_id}"),
    operators("POST", "/v1/settlements/{trade_id}/retry"),
    operators("POST", "/v1/settlements/run", json=RUN),
    operators("POST", "/v1/settlements/fees/charge", json=RUN),
    operators(
        "POST",
        "/v1/balances/transfers",
        json={
            "from_account": "{account_id}",
            "to_account": "{second_account}",
            "cash": "1.00",
            "symbol": "{symbol}",
            "quantity": "1",
            "reference": "r",
        },
    ),
    owners("GET", "/v1/balances/{account_id}"),
    operators("POST", "/v1/balances/{account_id}/cash", json={"amount": "1.00", "reference": "r"}),
    operators(
        "POST",
        "/v1/balances/{account_id}/shares",
        json={"symbol": "{symbol}", "quantity": "1", "reference": "r"},
    ),
    owners("GET", "/v1/notifications", params={"account_id": "{account_id}"}),
    owners("PUT", WEBHOOK, json={"url": "https://hooks.example.invalid/y"}),
    owners("GET", WEBHOOK, made="webhook"),
    owners("DELETE", WEBHOOK, made="webhook"),
    owners("POST", WEBHOOK + "/deliveries", made="webhook"),
    owners("GET", WEBHOOK + "/deliveries", made="webhook"),
    operators("GET", "/v1/audit/entries", params={"aggregate_id": "{order_id}"}, answers=EMPTY),
]
PUBLIC = [recipe for recipe in RECIPES if recipe.whose != "service"]
# What the rightful caller may be answered, too: the trade has not failed, there is nothing to put back.
NOT_NEEDED = {"POST /v1/settlements/{trade_id}/retry": 409}


@pytest.fixture(scope="module")
def victim(_shared_market: Any) -> Victim:
    """Whose objects nobody gets at: the same for all tests."""
    return Victim(_shared_market)


@pytest.fixture(scope="module")
def callers(_shared_market: Any) -> Iterator[dict[str, ApiClient]]:
    foreigner = user_elsewhere(_shared_market, "operator", "trader")
    yield {STRANGER: _shared_market.new_trader(cash="0").client, FOREIGN_OPERATOR: foreigner}
    foreigner.close()


def is_answered(victim: Victim, client: ApiClient, recipe: Recipe) -> bool:
    """Whether a list holds something; AssertionError when a request is refused to who may send it."""
    answer = victim.request(client, recipe.method, recipe.path, **recipe.parts)
    assert answer.is_success or answer.status_code == NOT_NEEDED.get(recipe.name), answer.text
    return EMPTY not in (recipe.stranger, recipe.operator) or bool(answer.json()["items"])


def test_every_operation_that_names_an_object_is_asked(platform: Any) -> None:
    """No operation of any service is left out here, and none is asked that is not there."""
    assert {(recipe.method, recipe.path) for recipe in RECIPES} == object_operations(platform)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("recipe", PUBLIC, ids=lambda recipe: recipe.name)
def test_an_object_is_not_there_for_others(
    operator: ApiClient, victim: Victim, callers: dict[str, ApiClient], recipe: Recipe, caller: str
) -> None:
    """Neither a trader of the same tenant nor an operator of another one sees or changes it."""
    victim.prepare(f"{{{recipe.made}}}")
    expected = recipe.stranger if caller == STRANGER else recipe.operator
    if expected == EMPTY:
        until(lambda: is_answered(victim, operator, recipe), message="there is something to list")
    answer = victim.request(callers[caller], recipe.method, recipe.path, **recipe.parts)
    assert answer.status_code == expected, answer.text
    assert expected != EMPTY or answer.json()["items"] == []


@pytest.mark.parametrize("recipe", PUBLIC, ids=lambda recipe: recipe.name)
def test_an_object_is_there_for_whose_it_is(market: Any, operator: ApiClient, recipe: Recipe) -> None:
    """The same request of its owner, or of an operator of his tenant, is answered."""
    victim = Victim(market)
    victim.prepare(f"{{{recipe.made}}}")
    caller = operator if recipe.whose == "operator" else victim.trader.client
    until(lambda: is_answered(victim, caller, recipe), message="the object is listed")


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(
    "recipe", [each for each in RECIPES if each.whose == "service"], ids=lambda recipe: recipe.name
)
def test_what_services_ask_each_other_is_for_no_caller(
    platform: Any, victim: Victim, recipe: Recipe, caller: str
) -> None:
    """A request that a user sends is refused, also past the gateway, whatever he is."""
    service = service_of(recipe.path, platform)
    role, tenant = ("trader", "retail") if caller == STRANGER else ("operator", "wholesale")
    identity = Identity("someone", roles=(role,), permissions=("orders:write",), tenant=tenant)
    secret = platform.environment(service)["SERVICE_TOKEN_SECRET"]
    headers = {"Authorization": f"Bearer {service_tokens.issue('gateway', service, identity, secret)}"}
    body = victim.prepare(recipe.parts.get("json"))
    answer = ask(platform, service, victim.prepare(recipe.path), recipe.method, json=body, headers=headers)
    assert answer.status_code == 403, answer.text
