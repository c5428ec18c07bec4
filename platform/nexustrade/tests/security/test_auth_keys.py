"""Signing keys change without anybody noticing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.client import expect
from support.devices import Devices
from support.wait import until

from shared.security import Identity, jwt

pytestmark = pytest.mark.services("gateway", "auth", "users")


@pytest.fixture(scope="module")
def small_platform(own_platform: Callable[..., Any]) -> Any:
    """Gateway, auth and users alone: a change of keys concerns every session of a platform."""
    return own_platform(services=["gateway", "auth", "users"])


@pytest.fixture
def house(small_platform: Any, market_on: Callable[[Any], Any]) -> Any:
    return market_on(small_platform)


@pytest.fixture
def devices(small_platform: Any, house: Any) -> Any:
    made = Devices(small_platform, house)
    yield made
    made.close()


def change_keys(house: Any) -> str:
    """A change of keys by the operator; the id of the new one."""
    key_id: str = expect(house.operator.post("/v1/auth/keys"), 201)["key_id"]
    return key_id


def come_of_age(platform: Any, key_id: str) -> None:
    """The wait for the new key is over: the whole history of keys is moved into the past by it."""
    with platform.connect("users_db") as connection:
        connection.execute(
            "UPDATE nexus_auth_storedkey SET signs_from = signs_from - gap, retires_at = retires_at - gap "
            "FROM (SELECT signs_from - now() AS gap FROM nexus_auth_storedkey WHERE key_id = %s) AS new",
            (key_id,),
        )
        connection.commit()


def published(house: Any) -> list[str]:
    return [key["kid"] for key in expect(house.operator.get("/v1/auth/jwks"), 200)["keys"]]


def test_sessions_live_through_a_change_of_keys(house: Any) -> None:
    """A new signing key is published before it signs, and tokens of the old one stay good."""
    client, *_ = house.new_user()
    new = change_keys(house)
    keys = published(house)
    assert new in keys
    assert jwt.key_id(client.token) in keys
    assert client.get("/v1/users/me").status_code == 200
    later, *_ = house.new_user()
    assert jwt.key_id(later.token) != new, "nothing is signed with a key that verifiers may not have yet"
    assert later.get("/v1/users/me").status_code == 200


def test_a_key_that_has_come_of_age_signs_and_is_accepted(small_platform: Any, house: Any) -> None:
    """Once its time has come the new key signs, and the gateway knows it at once."""
    client, *_ = house.new_user()
    new = change_keys(house)
    come_of_age(small_platform, new)
    later, *_ = house.new_user()
    assert jwt.key_id(later.token) == new
    until(lambda: later.get("/v1/users/me").status_code == 200, message="the new key is known")
    assert client.get("/v1/users/me").status_code == 200, "the old key is still published"


def test_two_changes_in_a_row_log_nobody_out(house: Any, devices: Devices) -> None:
    """Sessions of before, between and after two changes of keys all refresh and are served."""
    sessions = [devices.new()]
    for _ in range(2):
        change_keys(house)
        sessions.append(devices.new())
    assert [each.request("GET", "/v1/users/me").status_code for each in sessions] == [200] * 3
    renewed = [each.renew()["access_token"] for each in sessions]
    statuses = [
        each.request("GET", "/v1/users/me", token).status_code
        for each, token in zip(sessions, renewed, strict=True)
    ]
    assert statuses == [200] * 3


def test_a_key_that_was_never_published_signs_nothing(house: Any) -> None:
    """A token under a key id of somebody's own making is refused."""
    client, *_ = house.new_user()
    stranger = jwt.SigningKey.generate()
    forged = jwt.issue(stranger, Identity("x", roles=("operator",)), ttl=60)
    answer = client.get("/v1/users/me", headers={"Authorization": f"Bearer {forged}"})
    assert answer.status_code == 401
    assert stranger.kid not in published(house)
