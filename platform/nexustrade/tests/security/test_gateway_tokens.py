from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt as pyjwt
import pytest
from support.client import ApiClient

from shared.security import Identity, jwt, service_tokens

pytestmark = pytest.mark.services("gateway", "auth", "users")


@pytest.fixture
def signing_key(platform: Any) -> jwt.SigningKey:
    """The key that auth signs with."""
    row = platform.sql(
        "users_db",
        "SELECT key_id, private_key FROM nexus_auth_storedkey WHERE signs_from <= now() "
        "AND (retires_at IS NULL OR retires_at > now()) ORDER BY signs_from DESC LIMIT 1",
    )[0]
    return jwt.SigningKey.from_pem(row["key_id"], row["private_key"])


@pytest.fixture
def ask(platform: Any) -> Any:
    """Asks the gateway for a profile with a token of one's own making."""
    client = ApiClient(platform.url("gateway"))

    def send(token: str) -> Any:
        return client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})

    yield send
    client.close()


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {
        "iss": jwt.ISSUER,
        "aud": jwt.AUDIENCE,
        "sub": "00000000-0000-0000-0000-000000000000",
        "roles": ["operator"],
        "permissions": [],
        "tenant": "retail",
        "iat": now,
        "exp": now + 60,
        "jti": "1",
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def unsigned(key: jwt.SigningKey) -> str:
    return f"{part({'alg': 'none', 'typ': 'JWT', 'kid': key.kid})}.{part(claims())}."


def signed_by_a_stranger(key: jwt.SigningKey) -> str:
    return jwt.issue(jwt.SigningKey(key.kid, jwt.SigningKey.generate().private), Identity("x"), ttl=60)


def signed_with_the_public_key(key: jwt.SigningKey) -> str:
    secret = base64.urlsafe_b64decode(key.public_jwk()["x"] + "=")
    return pyjwt.encode(claims(), secret, algorithm="HS256", headers={"kid": key.kid})


def with_other_claims(key: jwt.SigningKey) -> str:
    head, _, signature = jwt.issue(key, Identity("x"), ttl=60).split(".")
    return f"{head}.{part(claims())}.{signature}"


def signed(**changes: Any) -> Callable[[jwt.SigningKey], str]:
    return lambda key: pyjwt.encode(
        claims(**changes), key.private, algorithm="EdDSA", headers={"kid": key.kid}
    )


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(unsigned, id="alg none"),
        pytest.param(signed_by_a_stranger, id="another key under the same id"),
        pytest.param(signed_with_the_public_key, id="the public key as a shared secret"),
        pytest.param(with_other_claims, id="claims changed after signing"),
        pytest.param(signed(exp=int(time.time()) - 60), id="expired"),
        pytest.param(signed(exp=None), id="without an end"),
        pytest.param(signed(aud="another"), id="for another audience"),
        pytest.param(signed(iss="another"), id="of another issuer"),
        pytest.param(lambda _key: "x" * 40, id="rubbish"),
    ],
)
def test_only_tokens_that_auth_signed_are_accepted(
    ask: Callable[[str], Any], signing_key: jwt.SigningKey, make: Callable[[jwt.SigningKey], str]
) -> None:
    """An access token that is forged, expired or made for something else is refused with 401."""
    assert ask(signed()(signing_key)).status_code == 200, "a token made like those of auth is accepted"
    answer = ask(make(signing_key))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_for_services_is_no_token_for_users(
    platform: Any, ask: Callable[[str], Any], signing_key: jwt.SigningKey
) -> None:
    """The gateway refuses service tokens, and the services refuse access tokens."""
    secret = platform.environment("users")["SERVICE_TOKEN_SECRET"]
    assert ask(service_tokens.issue("gateway", "users", Identity("x"), secret)).status_code == 401
    headers = {"Authorization": f"Bearer {signed()(signing_key)}"}
    with platform.http("users", headers=headers) as inside:
        assert inside.get("/v1/users/me").status_code == 401


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer null", "Bearer e30.e30.", "Basic Og=="])
def test_services_refuse_callers_without_a_service_token(platform: Any, header: str | None) -> None:
    """Inside the network a missing or an empty token opens nothing either."""
    headers = {} if header is None else {"Authorization": header}
    with platform.http("users", headers=headers) as client:
        for path in ("/v1/users/me", "/v1/accounts"):
            assert client.get(path).status_code == 401, path


def test_a_service_token_is_good_for_one_service(platform: Any) -> None:
    """A token made for auth is refused by users; so is one signed with another secret."""
    secret = platform.environment("users")["SERVICE_TOKEN_SECRET"]
    for token in (
        service_tokens.issue("gateway", "auth", Identity("x"), secret),
        service_tokens.issue("gateway", "users", Identity("x"), secret[::-1]),
        service_tokens.issue("gateway", "users", Identity("x"), secret, ttl=-60),
    ):
        with platform.http("users", headers={"Authorization": f"Bearer {token}"}) as client:
            assert client.get("/v1/accounts").status_code == 401
