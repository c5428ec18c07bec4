from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.client import ApiClient
from support.wait import until

pytestmark = pytest.mark.services("gateway", "auth", "users")

MIB = 1024 * 1024
WAYS_TO_SAY_WHO_ONE_IS = (
    {"X-Forwarded-For": "203.0.113.7"},
    {"X-Real-IP": "203.0.113.7"},
    {"Forwarded": "for=203.0.113.7"},
    {"X-User-Id": "someone-else"},
    {"X-Client-Id": "someone-else"},
    {"X-API-Key": "someone-else"},
    {"Idempotency-Key": "another"},
)


def empty_bucket(platform: Any, key: str) -> None:
    """Leaves a caller's bucket a thousand seconds away from its next token."""
    rate = 2000.0
    platform.redis().hset(key, mapping={"tokens": -1000 * rate, "at": f"{time.time():.6f}"})


def refused(client: ApiClient, headers: dict[str, str] | None = None) -> Any:
    """The refusal of a request; while Redis is slow to answer, the gateway lets some through."""

    def answer() -> Any:
        response = client.get("/v1/users/me", headers=headers or {})
        return response if response.status_code == 429 else None

    return until(answer, message=f"refused under {headers}")


def test_the_rate_is_the_users_whatever_his_headers_say(platform: Any, market: Any) -> None:
    """A user whose bucket is empty gets 429 and Retry-After, under any header; another user is served."""
    client, _, _, user_id = market.new_user()
    other, *_ = market.new_user()
    empty_bucket(platform, f"gateway:rate:user:{user_id}")
    for headers in ({}, *WAYS_TO_SAY_WHO_ONE_IS):
        answer = refused(client, headers)
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "application/problem+json"
    assert other.get("/v1/users/me").status_code == 200


def test_a_new_session_is_no_new_bucket(platform: Any, market: Any) -> None:
    """Logging in once more does not refill the user's bucket."""
    from support.client import log_in

    _, username, password, user_id = market.new_user()
    empty_bucket(platform, f"gateway:rate:user:{user_id}")
    again = log_in(platform.url("gateway"), username, password)
    refused(again)
    again.close()


@pytest.fixture
def anonymous(platform: Any) -> Iterator[ApiClient]:
    client = ApiClient(platform.url("gateway"))
    yield client
    client.close()


def test_callers_without_a_token_are_told_apart_by_their_connection(
    platform: Any, anonymous: ApiClient
) -> None:
    """Requests without a valid token, however they describe their origin, draw from one bucket."""
    redis = platform.redis()

    def drawn_from(headers: dict[str, str]) -> set[str]:
        """The buckets right after a request: one that is full again is forgotten within a second."""
        assert anonymous.get("/v1/users/me", headers=headers).status_code == 401
        return {str(key) for key in redis.scan_iter("gateway:rate:address:*", count=10_000)}

    for headers in (*WAYS_TO_SAY_WHO_ONE_IS, {"Authorization": "Bearer made.up.token"}):
        buckets = until(
            lambda headers=headers: drawn_from(headers), message="the request draws from a bucket"
        )
        assert not [bucket for bucket in buckets if "203.0.113.7" in bucket or "someone-else" in bucket]


@pytest.fixture
def empty_address(platform: Any, anonymous: ApiClient) -> Iterator[None]:
    """The bucket of those who come from here without a token is empty while the test runs."""
    redis = platform.redis()

    def buckets() -> list[Any]:
        return list(redis.scan_iter("gateway:rate:address:*", count=10_000))

    def drawn_from() -> list[Any]:
        for bucket in buckets():
            redis.delete(bucket)
        assert anonymous.get("/v1/users/me").status_code == 401
        return buckets()

    for bucket in until(drawn_from, message="a request draws from a bucket"):
        empty_bucket(platform, bucket)
    yield
    for bucket in buckets():
        redis.delete(bucket)


ORIGINS = (
    {"X-Forwarded-For": "203.0.113.7"},
    {"X-Forwarded-For": "203.0.113.8, 198.51.100.2"},
    {"X-Forwarded-For": "2001:db8::7"},
    {"X-Real-IP": "203.0.113.7"},
    {"X-Client-IP": "203.0.113.7"},
    {"X-Client-Id": "another"},
    {"True-Client-IP": "203.0.113.7"},
    {"CF-Connecting-IP": "203.0.113.7"},
    {"Forwarded": "for=203.0.113.7;proto=https"},
)


@pytest.mark.parametrize("headers", ORIGINS, ids=lambda headers: "=".join(*headers.items()))
@pytest.mark.usefixtures("empty_address")
def test_passwords_are_not_guessed_faster_from_a_made_up_origin(
    anonymous: ApiClient, headers: dict[str, str]
) -> None:
    """Who has used up his log-in attempts gets 429 wherever he says that he comes from."""
    guess = {"username": "operator", "password": "a guess of mine"}

    def answer() -> int:
        return anonymous.post("/v1/auth/login", json=guess, headers=headers).status_code

    # A slow Redis lets a request through; a header that lets it through does so every time.
    answers = [answer() for _ in range(5)]
    assert 429 in answers, f"{headers}: {answers}"


@pytest.mark.usefixtures("empty_address")
def test_a_made_up_token_is_no_new_bucket(anonymous: ApiClient) -> None:
    """Tokens that prove nothing are counted by address, however many different ones are tried."""
    tokens = [f"Bearer made.up.{number}" for number in range(5)]
    answers = [
        anonymous.get("/v1/users/me", headers={"Authorization": token}).status_code for token in tokens
    ]
    assert 429 in answers, answers


def test_a_long_body_is_refused_by_its_announcement(market: Any) -> None:
    """A body that is announced as too long gets 413 and reaches no service."""
    client, *_ = market.new_user()
    answer = client.post("/v1/accounts", content=b" " * (MIB + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["limit"] == MIB


def test_a_long_body_is_refused_without_an_announcement(market: Any) -> None:
    """A body sent in chunks is cut off when it grows too long."""
    client, *_ = market.new_user()
    chunks = (b" " * 65536 for _ in range(17))
    answer = client.post("/v1/accounts", content=chunks)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/internal/v1/reservations",
        "/api/internal/v1/reservations",
        "/api/v1/risk/../../internal/v1/reservations",
        "/api/v1/risk/%2e%2e/%2e%2e/internal/v1/reservations",
        "/v1/users/me",
        "/api/v1//users/me",
    ],
)
def test_nothing_but_public_paths_is_reachable(platform: Any, operator: ApiClient, path: str) -> None:
    """Paths are not folded on the way: neither internal paths nor unlisted ones lead into a service."""
    address = urlsplit(platform.url("gateway"))
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    connection.request("POST", path, body=b"{}", headers={"Authorization": f"Bearer {operator.token}"})
    answer = connection.getresponse()
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    connection.close()
