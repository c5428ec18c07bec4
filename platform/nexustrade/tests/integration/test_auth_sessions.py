from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.client import ApiClient, expect, log_in

pytestmark = pytest.mark.services("gateway", "auth")


@pytest.fixture
def anonymous(platform: Any) -> Iterator[ApiClient]:
    client = ApiClient(platform.url("gateway"))
    yield client
    client.close()


def registration(market: Any, **changes: Any) -> dict[str, Any]:
    username = market.name("u-")
    return {"username": username, "email": f"{username}@example.com", "password": "a-good-one-9"} | changes


def sign_in(client: ApiClient, user: dict[str, Any]) -> dict[str, Any]:
    credentials = {name: user[name] for name in ("username", "password")}
    return expect(client.post("/v1/auth/login", json=credentials), 200)


def test_a_registered_user_logs_in(platform: Any, market: Any, anonymous: ApiClient) -> None:
    """Registration answers with the user's id, and the log-in's token speaks for that user."""
    user = registration(market)
    user_id = expect(anonymous.post("/v1/auth/register", json=user), 201)["user_id"]
    tokens = sign_in(anonymous, user)
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 300)
    client = log_in(platform.url("gateway"), user["username"], user["password"])
    assert expect(client.get("/v1/users/me"), 200)["user_id"] == user_id
    client.close()


@pytest.mark.parametrize("field", ["username", "email"])
def test_names_and_addresses_are_taken_once(market: Any, anonymous: ApiClient, field: str) -> None:
    """A second registration with the same name or address, in any case, gets 409 naming the field."""
    first = registration(market)
    expect(anonymous.post("/v1/auth/register", json=first), 201)
    second = registration(market, **{field: first[field].upper()})
    problem = expect(anonymous.post("/v1/auth/register", json=second), 409)
    assert problem["field"] == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "ab"),
        ("username", "with space"),
        ("username", "x" * 65),
        ("email", "nobody"),
        ("email", "a@b@example.com"),
        ("password", "short"),
        ("password", "x" * 129),
        ("password", None),
    ],
)
def test_a_bad_registration_is_refused_by_field(
    market: Any, anonymous: ApiClient, field: str, value: Any
) -> None:
    """What breaks a rule gets 422 and the name of the field."""
    problem = expect(anonymous.post("/v1/auth/register", json=registration(market, **{field: value})), 422)
    assert [error["field"].split(".")[-1] for error in problem["errors"]] == [field]


def test_a_refresh_answers_with_a_token_that_works(platform: Any, market: Any, anonymous: ApiClient) -> None:
    """A refresh token is good for a new access token of the same user."""
    user = registration(market)
    user_id = expect(anonymous.post("/v1/auth/register", json=user), 201)["user_id"]
    tokens = sign_in(anonymous, user)
    body = {"refresh_token": tokens["refresh_token"]}
    renewed = expect(anonymous.post("/v1/auth/refresh", json=body), 200)
    assert renewed["access_token"] != tokens["access_token"]
    client = ApiClient(platform.url("gateway"), renewed["access_token"])
    assert expect(client.get("/v1/users/me"), 200)["user_id"] == user_id
    client.close()


def test_logging_out_ends_one_session_or_all(platform: Any, market: Any, anonymous: ApiClient) -> None:
    """With a refresh token its own session ends, without one every session of the user."""
    user = registration(market)
    expect(anonymous.post("/v1/auth/register", json=user), 201)
    phone, laptop, tablet = (sign_in(anonymous, user) for _ in range(3))
    client = ApiClient(platform.url("gateway"), laptop["access_token"])

    def refresh(tokens: dict[str, Any]) -> int:
        body = {"refresh_token": tokens["refresh_token"]}
        return anonymous.post("/v1/auth/refresh", json=body).status_code

    expect(client.post("/v1/auth/logout", json={"refresh_token": phone["refresh_token"]}), 204)
    assert (refresh(phone), refresh(laptop)) == (401, 200)
    expect(client.post("/v1/auth/logout"), 204)
    assert (refresh(laptop), refresh(tablet)) == (401, 401)
    client.close()


def test_the_operator_is_there_from_the_start(operator: ApiClient) -> None:
    """The operator of the environment logs in and has his role."""
    rights = expect(operator.get("/v1/auth/rights"), 200)
    assert "operator" in rights["roles"]
    assert "roles:write" in rights["permissions"]
