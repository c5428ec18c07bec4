"""API keys open what they were made for, as long as their user wants, and nothing else."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.client import ApiClient, expect
from support.services import ask

from shared.security import service_tokens

pytestmark = pytest.mark.services("gateway", "auth", "users", "orders")

KEYS = "nexus_auth_apikey"


@pytest.fixture
def with_key(platform: Any) -> Iterator[Callable[[str], ApiClient]]:
    """Makes a client of the gateway that proves itself with this key."""
    made: list[ApiClient] = []

    def client(key: str) -> ApiClient:
        made.append(ApiClient(platform.url("gateway"), key))
        return made[-1]

    yield client
    for each in made:
        each.close()


def new_key(user: ApiClient, *permissions: str, name: str = "bot") -> dict[str, Any]:
    body = {"name": name, "permissions": permissions or ["orders:read"]}
    return expect(user.post("/v1/auth/api-keys", json=body), 201)


def identify(platform: Any, digest: str, authorization: str) -> int:
    path, body = "/internal/v1/api-keys/identify", {"digest": digest}
    return ask(
        platform, "auth", path, "POST", json=body, headers={"Authorization": authorization}
    ).status_code


def digest_of(key: dict[str, Any]) -> str:
    return hashlib.sha256(key["api_key"].encode()).hexdigest()


def test_a_key_does_what_it_was_made_for(market: Any, with_key: Callable[[str], ApiClient]) -> None:
    """A key speaks for its user, with the permissions that were given to it."""
    user, _, _, user_id = market.new_user()
    key = with_key(new_key(user, "accounts:write", "orders:read")["api_key"])
    assert expect(key.post("/v1/accounts", json={"name": "bot"}), 201)["owner_id"] == user_id
    assert key.get("/v1/orders").status_code == 200


def test_a_key_does_no_more_than_it_was_made_for(market: Any, with_key: Callable[[str], ApiClient]) -> None:
    """What its user may do, and the key was not given, is refused."""
    user, *_ = market.new_user()
    key = with_key(new_key(user, "orders:read")["api_key"])
    assert key.post("/v1/accounts", json={"name": "bot"}).status_code == 403
    assert user.post("/v1/accounts", json={"name": "own"}).status_code == 201


def test_a_key_of_an_operator_is_no_operator(
    operator: ApiClient, with_key: Callable[[str], ApiClient]
) -> None:
    """Roles are not delegated: an operator's key has the permissions it names and no others."""
    key = with_key(new_key(operator, "orders:read", name="report")["api_key"])
    assert key.get("/v1/orders").status_code == 200
    assert key.get("/v1/auth/users/operator").status_code == 403
    assert key.post("/v1/auth/keys").status_code == 403


@pytest.mark.parametrize("permission", ["roles:write", "keys:write", "limits:write", "everything", ""])
def test_a_key_has_no_permission_that_its_user_lacks(market: Any, permission: str) -> None:
    """Nobody makes a key that may do more than himself."""
    user, *_ = market.new_user()
    body = {"name": "bot", "permissions": ["orders:read", permission]}
    assert user.post("/v1/auth/api-keys", json=body).status_code == 403
    assert expect(user.get("/v1/auth/api-keys"), 200)["items"] == []


@pytest.mark.parametrize("permission", ["roles:write", "keys:write"])
def test_no_key_hands_out_rights(operator: ApiClient, permission: str) -> None:
    """Not even an operator makes a key that gives roles or changes signing keys."""
    body = {"name": "bot", "permissions": [permission]}
    assert operator.post("/v1/auth/api-keys", json=body).status_code == 403


def test_a_revoked_key_is_refused_at_once(market: Any, with_key: Callable[[str], ApiClient]) -> None:
    """The first request after the revocation gets 401; another key of the user goes on."""
    user, *_ = market.new_user()
    lost, kept = new_key(user, name="lost"), new_key(user, name="kept")
    one, other = with_key(lost["api_key"]), with_key(kept["api_key"])
    assert (one.get("/v1/orders").status_code, other.get("/v1/orders").status_code) == (200, 200)
    expect(user.delete(f"/v1/auth/api-keys/{lost['key_id']}"), 204)
    assert (one.get("/v1/orders").status_code, other.get("/v1/orders").status_code) == (401, 200)
    assert user.delete(f"/v1/auth/api-keys/{lost['key_id']}").status_code == 404


def test_a_key_loses_what_its_user_loses(
    market: Any, operator: ApiClient, with_key: Callable[[str], ApiClient]
) -> None:
    """When a role is taken from the user, his keys no longer have its permissions."""
    user, username, *_ = market.new_user()
    key = with_key(new_key(user, "orders:read")["api_key"])
    assert key.get("/v1/orders").status_code == 200
    expect(operator.delete(f"/v1/auth/users/{username}/roles/trader"), 200)
    assert key.get("/v1/orders").status_code == 403


def test_the_text_of_a_key_is_shown_once(platform: Any, market: Any) -> None:
    """Lists do not hold it, and the database knows its digest only."""
    user, *_ = market.new_user()
    key = new_key(user)
    listed = expect(user.get("/v1/auth/api-keys"), 200)["items"]
    assert [each["key_id"] for each in listed] == [key["key_id"]]
    assert "api_key" not in listed[0]
    rows = [row["row"] for row in platform.sql("users_db", f"SELECT k::text AS row FROM {KEYS} k")]
    assert not [row for row in rows if key["api_key"] in row]
    assert [row for row in rows if digest_of(key) in row]


def test_a_stranger_neither_sees_nor_ends_a_key(market: Any, with_key: Callable[[str], ApiClient]) -> None:
    """Another user's list does not hold it, and his revocation finds nothing."""
    user, *_ = market.new_user()
    stranger, *_ = market.new_user()
    key = new_key(user)
    assert expect(stranger.get("/v1/auth/api-keys"), 200)["items"] == []
    assert stranger.delete(f"/v1/auth/api-keys/{key['key_id']}").status_code == 404
    assert with_key(key["api_key"]).get("/v1/orders").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/auth/api-keys"),
        ("GET", "/v1/auth/api-keys"),
        ("DELETE", "/v1/auth/api-keys/x"),
        ("GET", "/v1/auth/sessions"),
        ("DELETE", "/v1/auth/sessions/x"),
        ("POST", "/v1/auth/logout"),
    ],
)
def test_a_key_does_not_manage_log_ins(
    market: Any, with_key: Callable[[str], ApiClient], method: str, path: str
) -> None:
    """A stolen key can make no further key, and end no session: that takes the user himself."""
    user, *_ = market.new_user()
    key = with_key(new_key(user, "accounts:write", "orders:read")["api_key"])
    body = {"name": "more", "permissions": ["orders:read"]} if path.endswith("keys") else None
    answer = key.request(method, path, json=body if method == "POST" else None)
    assert answer.status_code == 403


@pytest.mark.parametrize("make", ["unknown", "changed", "cut", "digest", "prefix"])
def test_a_worthless_key_opens_nothing(market: Any, with_key: Callable[[str], ApiClient], make: str) -> None:
    """A made-up key, one with a character changed or missing, and the digest of a real one are refused."""
    key = new_key(market.new_user()[0])
    text = key["api_key"]
    worthless = {
        "unknown": "nxk_" + secrets.token_urlsafe(32),
        "changed": text[:-1] + ("a" if text[-1] != "a" else "b"),
        "cut": text[:-1],
        "digest": "nxk_" + digest_of(key),
        "prefix": "nxk_",
    }[make]
    answer = with_key(worthless).get("/v1/orders")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_only_the_gateway_asks_whose_a_key_is(platform: Any, market: Any) -> None:
    """Other services, and whoever has no token, do not learn it, even from a right digest."""
    digest = digest_of(new_key(market.new_user()[0]))
    secret = platform.environment("auth")["SERVICE_TOKEN_SECRET"]

    def token(issuer: str, audience: str = "auth") -> str:
        return f"Bearer {service_tokens.issue(issuer, audience, None, secret)}"

    assert identify(platform, digest, token("gateway")) == 200
    assert identify(platform, digest, token("gateway", "users")) == 401
    assert [identify(platform, digest, token(issuer)) for issuer in ("orders", "users", "risk")] == [403] * 3


def test_services_do_not_take_keys(platform: Any, market: Any) -> None:
    """Inside, a key proves nothing: it is the gateway's to look at."""
    key = new_key(market.new_user()[0])
    bearer = {"Authorization": f"Bearer {key['api_key']}"}
    answers = [
        ask(platform, service, path, headers=bearer).status_code
        for service, path in (
            ("users", "/v1/accounts"),
            ("orders", "/v1/orders"),
            ("auth", "/v1/auth/rights"),
        )
    ]
    assert answers == [401] * 3


def test_a_user_has_a_bounded_number_of_keys(market: Any) -> None:
    """Requests at once do not make more keys than a user may have; a revoked one makes room."""
    user, *_ = market.new_user()
    made = [new_key(user, name=f"bot {number}") for number in range(18)]
    body = {"name": "more", "permissions": ["orders:read"]}
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: user.post("/v1/auth/api-keys", json=body).status_code, range(5)))
    assert sorted(answers) == [201, 201, 409, 409, 409]
    expect(user.delete(f"/v1/auth/api-keys/{made[0]['key_id']}"), 204)
    assert user.post("/v1/auth/api-keys", json=body).status_code == 201
