from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.client import ApiClient, expect
from support.devices import Devices
from support.race import held_row

pytestmark = pytest.mark.services("gateway", "auth")

TOKENS, FAMILIES = "nexus_auth_refreshtoken", "nexus_auth_refreshfamily"


@pytest.fixture
def anonymous(platform: Any) -> Any:
    client = ApiClient(platform.url("gateway"))
    yield client
    client.close()


@pytest.fixture
def session(market: Any, anonymous: ApiClient) -> dict[str, Any]:
    """A fresh log-in of a new user: its tokens, and the user's name and password."""
    _, username, password, user_id = market.new_user()
    tokens = expect(anonymous.post("/v1/auth/login", json={"username": username, "password": password}), 200)
    return {**tokens, "username": username, "password": password, "user_id": user_id}


def digest(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()


def refresh(client: ApiClient, token: str) -> Any:
    return client.post("/v1/auth/refresh", json={"refresh_token": token})


def age_use(platform: Any, token: str) -> None:
    """Makes the use of a refresh token a minute older than it is."""
    with platform.connect("users_db") as connection:
        connection.execute(
            f"UPDATE {TOKENS} SET used_at = used_at - interval '1 minute' WHERE token_hash = %s",
            (digest(token),),
        )
        connection.commit()


def test_login_does_not_tell_whether_a_user_exists(market: Any, anonymous: ApiClient) -> None:
    """A wrong password and an unknown name get the same answer."""
    _, username, password, _ = market.new_user()
    wrong = anonymous.post("/v1/auth/login", json={"username": username, "password": password + "x"})
    unknown = anonymous.post("/v1/auth/login", json={"username": market.name("u-"), "password": password})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_refresh_tokens_are_not_stored(platform: Any, session: dict[str, Any]) -> None:
    """The database knows a refresh token by its hash only."""
    token = session["refresh_token"]
    rows = platform.sql("users_db", f"SELECT t::text AS row FROM {TOKENS} t")
    assert not [row for row in rows if token in row["row"]]
    assert [row for row in rows if digest(token) in row["row"]]


def test_a_refresh_token_is_replaced_by_its_use(anonymous: ApiClient, session: dict[str, Any]) -> None:
    """Each refresh answers with new tokens, and the new refresh token works."""
    first = expect(refresh(anonymous, session["refresh_token"]), 200)
    assert first["refresh_token"] != session["refresh_token"]
    second = expect(refresh(anonymous, first["refresh_token"]), 200)
    client = ApiClient(anonymous.http.base_url.join("/").__str__().rstrip("/"), second["access_token"])
    assert expect(client.get("/v1/users/me"), 200)["user_id"] == session["user_id"]
    client.close()


def test_a_refresh_token_used_again_later_ends_the_session(
    platform: Any, anonymous: ApiClient, session: dict[str, Any]
) -> None:
    """A copy of a used refresh token revokes every token that descends from the same log-in."""
    successor = expect(refresh(anonymous, session["refresh_token"]), 200)["refresh_token"]
    age_use(platform, session["refresh_token"])
    assert refresh(anonymous, session["refresh_token"]).status_code == 401
    assert refresh(anonymous, successor).status_code == 401


def test_the_end_of_one_session_leaves_the_others(
    platform: Any, anonymous: ApiClient, session: dict[str, Any]
) -> None:
    """Reuse of a token of one log-in does not end another log-in of the same user."""
    credentials = {name: session[name] for name in ("username", "password")}
    other = expect(anonymous.post("/v1/auth/login", json=credentials), 200)["refresh_token"]
    expect(refresh(anonymous, session["refresh_token"]), 200)
    age_use(platform, session["refresh_token"])
    assert refresh(anonymous, session["refresh_token"]).status_code == 401
    assert refresh(anonymous, other).status_code == 200


@pytest.mark.services("users")
@pytest.mark.parametrize("tabs", [2, 4])
def test_refreshing_one_token_at_once_logs_nobody_out(platform: Any, devices: Devices, tabs: int) -> None:
    """Tabs that refresh the same token at the same moment all get tokens that work, with all rights."""
    phone = devices.new()
    with (
        ThreadPoolExecutor(tabs) as pool,
        held_row(
            platform, digest(phone.refresh_token), table=TOKENS, column="token_hash", database="users_db"
        ) as row,
    ):
        answers = [pool.submit(phone.refresh) for _ in range(tabs)]
        row.release_when_settled(tabs)
        tokens = [expect(answer.result(), 200) for answer in answers]
    refresh_tokens = [each["refresh_token"] for each in tokens]
    assert len(set(refresh_tokens)) == tabs, "each gets a token of its own"
    assert [phone.open_account(each["access_token"]) for each in tokens] == [201] * tabs
    assert [phone.refresh(each).status_code for each in refresh_tokens] == [200] * tabs


@pytest.mark.services("users")
def test_a_refresh_token_may_come_again_within_its_window(devices: Devices) -> None:
    """A second use right after the first gets tokens that work, and takes nothing from the first."""
    phone = devices.new()
    first, second = (expect(phone.refresh(), 200) for _ in range(2))
    assert [phone.open_account(each["access_token"]) for each in (first, second)] == [201, 201]
    assert phone.refresh(first["refresh_token"]).status_code == 200


@pytest.mark.services("users")
def test_a_refresh_that_waits_for_a_log_out_gets_nothing(platform: Any, devices: Devices) -> None:
    """A session that could trade a moment ago ends while its refresh is under way: the refresh is refused."""
    phone = devices.new()
    assert phone.open_account() == 201
    with ThreadPoolExecutor(1) as pool, platform.connect("users_db") as connection:
        connection.execute(
            f"UPDATE {FAMILIES} SET revoked_at = now() WHERE family_id = "
            f"(SELECT family_id FROM {TOKENS} WHERE token_hash = %s)",
            (digest(phone.refresh_token),),
        )
        answer = pool.submit(phone.refresh)
        with pytest.raises(TimeoutError):
            answer.result(timeout=0.3)
        connection.commit()
        assert answer.result().status_code == 401
    assert phone.refresh().status_code == 401


def test_a_stranger_cannot_end_a_session(market: Any, anonymous: ApiClient, session: dict[str, Any]) -> None:
    """Logging out with another user's refresh token leaves that user's session alone."""
    stranger, *_ = market.new_user()
    token = session["refresh_token"]
    expect(stranger.post("/v1/auth/logout", json={"refresh_token": token}), 204)
    assert refresh(anonymous, token).status_code == 200
