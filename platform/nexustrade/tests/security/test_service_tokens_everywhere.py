"""No service takes orders from a caller that does not prove who it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from support.services import NAMES, ask, every_service, operations

from shared.security import Identity, service_tokens

INTERNAL = [name for name in NAMES if name != "gateway"]
OPERATOR = Identity("intruder", roles=("operator",), permissions=("orders:write",), tenant="t")

Forge = Callable[[str, str], str]  # (service, secret) → the Authorization header


def refused_everywhere(platform: Any, service: str, authorization: str | None) -> None:
    """Every operation of the service answers 401 to this Authorization header."""
    headers = {} if authorization is None else {"Authorization": authorization}
    found = operations(platform, service)
    assert found
    answers = {
        f"{method} {path}": ask(platform, service, path, method, json={}, headers=headers).status_code
        for method, path in found
    }
    assert answers == dict.fromkeys(answers, 401)


def secret_of(platform: Any, service: str) -> str:
    return str(platform.environment(service)["SERVICE_TOKEN_SECRET"])


@every_service(*INTERNAL)
def test_request_without_token_is_refused(platform: Any, service: str) -> None:
    """No operation of an internal service is open to whoever can reach its port."""
    refused_everywhere(platform, service, None)


@every_service(*INTERNAL)
def test_request_with_an_empty_token_is_refused(platform: Any, service: str) -> None:
    """A token that is there but empty proves nothing."""
    for authorization in ("Bearer ", "Bearer", "", "bearer  "):
        refused_everywhere(platform, service, authorization)


@every_service(*INTERNAL)
def test_request_with_an_expired_token_is_refused(platform: Any, service: str) -> None:
    """A token from a log file of yesterday opens nothing."""
    token = service_tokens.issue("gateway", service, OPERATOR, secret_of(platform, service), ttl=-60)
    refused_everywhere(platform, service, f"Bearer {token}")


@every_service(*INTERNAL)
def test_request_with_a_token_for_another_service_is_refused(platform: Any, service: str) -> None:
    """A service cannot use the token that it was called with to call others."""
    token = service_tokens.issue("gateway", "some-other-service", OPERATOR, secret_of(platform, service))
    refused_everywhere(platform, service, f"Bearer {token}")


def _unsigned(service: str, _secret: str) -> str:
    claims = {"iss": "gateway", "aud": service, "sub": "x", "roles": ["operator"], "permissions": []}
    times = {"tenant": "", "iat": int(time.time()), "exp": int(time.time()) + 60}
    return f"Bearer {jwt.encode(claims | times, None, algorithm='none')}"


def _other_secret(service: str, _secret: str) -> str:
    return f"Bearer {service_tokens.issue('gateway', service, OPERATOR, 'x' * 40)}"


def _other_scheme(service: str, secret: str) -> str:
    return f"Token {service_tokens.issue('gateway', service, OPERATOR, secret)}"


@pytest.mark.parametrize("forge", [_unsigned, _other_secret, _other_scheme])
@every_service(*INTERNAL)
def test_forged_token_is_refused(platform: Any, service: str, forge: Forge) -> None:
    """An unsigned token, one of another secret and one of another scheme are no proof."""
    refused_everywhere(platform, service, forge(service, secret_of(platform, service)))


@pytest.mark.services("risk")
def test_reservations_are_reserved_to_orders(platform: Any) -> None:
    """A valid token of another service, even of an operator, does not reserve exposure."""
    token = service_tokens.issue("gateway", "risk", OPERATOR, secret_of(platform, "risk"))
    order = {
        "order_id": "o", "account_id": "a", "symbol": "S", "side": "buy", "quantity": "1", "price": "1",
    }  # fmt: skip
    answer = ask(
        platform, "risk", "/internal/v1/reservations", "POST",
        json=order, headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert answer.status_code == 403
