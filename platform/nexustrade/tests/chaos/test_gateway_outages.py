from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from support.client import ApiClient, expect
from support.wait import until

pytestmark = pytest.mark.services("gateway", "auth", "users")


@pytest.fixture(scope="module")
def small_platform(own_platform: Callable[..., Any]) -> Any:
    """Gateway, auth and users alone."""
    # Whoever is to be given up at a deadline gets one from its test.
    patient = {"NEXUS__GATEWAY__DEADLINE_SECONDS": "25"}
    return own_platform(services=["gateway", "auth", "users"], env=patient)


@pytest.fixture
def client(small_platform: Any, market_on: Callable[[Any], Any]) -> ApiClient:
    return market_on(small_platform).new_user()[0]


def test_a_service_that_is_down_is_a_problem_of_its_own(small_platform: Any, client: ApiClient) -> None:
    """While users is down its paths get 503, the others are served, and all is well when it is back."""
    expect(client.get("/v1/users/me"), 200)
    small_platform.stop_service("users")
    try:
        answer = client.get("/v1/users/me")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"].endswith("/dependency-unavailable")
        assert client.get("/v1/auth/rights").status_code == 200
    finally:
        small_platform.start_service("users")
    until(lambda: client.get("/v1/users/me").status_code == 200, timeout=20, message="users is found again")


def test_a_service_that_hangs_is_given_up_at_the_deadline(small_platform: Any, client: ApiClient) -> None:
    """While users hangs, a caller gets 504 at his deadline, and callers of auth do not wait."""
    expect(client.get("/v1/users/me"), 200)
    small_platform.pause("users")
    try:
        soon = {"X-Request-Deadline": f"{time.time() + 0.5:.3f}"}
        answer = client.get("/v1/users/me", headers=soon)
        assert answer.status_code == 504
        assert answer.headers["content-type"] == "application/problem+json"
        assert client.get("/v1/auth/rights").status_code == 200
    finally:
        small_platform.resume("users")
    until(lambda: client.get("/v1/users/me").status_code == 200, timeout=20, message="users answers again")


def test_known_users_are_served_while_auth_is_down(small_platform: Any, client: ApiClient) -> None:
    """The gateway verifies tokens by the keys that it has: an outage of auth stops log-ins, not requests."""
    expect(client.get("/v1/users/me"), 200)
    small_platform.stop_service("auth")
    try:
        assert client.get("/v1/accounts").status_code == 200
        login = client.post("/v1/auth/login", json={"username": "someone", "password": "something"})
        assert login.status_code == 503
    finally:
        small_platform.start_service("auth")
    until(lambda: client.get("/v1/auth/rights").status_code == 200, timeout=20, message="auth is found again")


def test_tokens_outlive_a_restart_of_auth(small_platform: Any, client: ApiClient) -> None:
    """The signing key is kept in the database: a restarted auth publishes the key of the tokens before."""
    before = expect(client.get("/v1/auth/jwks"), 200)
    small_platform.restart("auth")
    until(lambda: client.get("/v1/auth/jwks").status_code == 200, timeout=20, message="auth is found again")
    assert expect(client.get("/v1/auth/jwks"), 200) == before
