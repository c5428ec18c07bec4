"""What services keep to each other takes the token of the right one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from support.client import Trader, expect
from support.services import ask

from shared.security import Identity, service_tokens

pytestmark = pytest.mark.services("gateway", "users", "risk", "orders")

# Each is there, and proves nothing.
EMPTY = [
    pytest.param("", id="empty header"),
    pytest.param("Bearer", id="scheme alone"),
    pytest.param("bearer  ", id="scheme and blanks"),
]
WORTHLESS = [*EMPTY, "Basic Og==", "Bearer null", "Bearer e30.e30."]

Reserve = Callable[..., Any]


def reservation(account_id: str, *, price: str = "10.00") -> dict[str, str]:
    order = {"order_id": str(uuid.uuid4()), "account_id": account_id, "symbol": "AAPL"}
    return order | {"side": "buy", "quantity": "100", "price": price}


@pytest.fixture
def risk(platform: Any) -> Callable[..., Any]:
    """A request straight to risk with this Authorization header."""

    def send(method: str, path: str, authorization: str, json: Any = None) -> Any:
        return ask(platform, "risk", path, method, json=json, headers={"Authorization": authorization})

    return send


@pytest.fixture
def as_orders(platform: Any) -> str:
    secret = platform.environment("risk")["SERVICE_TOKEN_SECRET"]
    return f"Bearer {service_tokens.issue('orders', 'risk', None, secret)}"


def used(trader: Trader) -> Decimal:
    return Decimal(trader.limit()["used"])


@pytest.mark.parametrize("authorization", WORTHLESS)
def test_nobody_reserves_exposure_without_a_token(new_trader, risk, authorization: str) -> None:
    """A caller without a token that proves a service cannot use up a trader's limit."""
    trader = new_trader()
    answer = risk("POST", "/internal/v1/reservations", authorization, reservation(trader.account_id))
    assert answer.status_code == 401
    assert used(trader) == 0


@pytest.mark.parametrize("authorization", EMPTY)
def test_nobody_reserves_a_batch_without_a_token(new_trader, risk, authorization: str) -> None:
    """The same for the orders of a spread."""
    trader = new_trader()
    legs = {"reservations": [reservation(trader.account_id)]}
    answer = risk("POST", "/internal/v1/reservations/batch", authorization, legs)
    assert answer.status_code == 401
    assert used(trader) == 0


@pytest.mark.parametrize("authorization", EMPTY)
def test_nobody_frees_a_limit_without_a_token(new_trader, risk, as_orders: str, authorization: str) -> None:
    """A reservation outlives whoever asks for its release without a token."""
    trader = new_trader()
    order = reservation(trader.account_id)
    expect(risk("POST", "/internal/v1/reservations", as_orders, order), 201)
    held = used(trader)
    answer = risk("DELETE", f"/internal/v1/reservations/{order['order_id']}", authorization)
    assert answer.status_code == 401
    assert used(trader) == held > 0


def test_nobody_raises_a_reservation_without_a_token(new_trader, risk, as_orders: str) -> None:
    """A replaced order's exposure is not raised for a caller with an empty header."""
    trader = new_trader()
    order = reservation(trader.account_id)
    expect(risk("POST", "/internal/v1/reservations", as_orders, order), 201)
    held = used(trader)
    raised = {"quantity": "200", "price": "10.00"}
    assert risk("PATCH", f"/internal/v1/reservations/{order['order_id']}", "", raised).status_code == 401
    assert used(trader) == held


@pytest.mark.parametrize("issuer", ["gateway", "settlement", "users", "auth", "risk"])
def test_a_token_of_another_service_is_not_enough(platform: Any, new_trader, risk, issuer: str) -> None:
    """A token is bound to the service that made it: nobody but orders reserves, whoever he calls for."""
    trader = new_trader()
    secret = platform.environment("risk")["SERVICE_TOKEN_SECRET"]
    operator = Identity("operator", roles=("operator", "service"), tenant="retail")
    for identity in (None, operator):
        bearer = f"Bearer {service_tokens.issue(issuer, 'risk', identity, secret)}"
        answer = risk("POST", "/internal/v1/reservations", bearer, reservation(trader.account_id))
        assert answer.status_code == 403
    assert used(trader) == 0
