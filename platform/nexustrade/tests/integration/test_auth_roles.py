from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.client import ApiClient, expect
from support.devices import Devices
from support.in_service import run_in_service
from support.race import held_table

pytestmark = pytest.mark.services("gateway", "auth", "users")

USERS = "nexus_auth_user"


def test_a_role_taken_away_ends_with_the_next_refresh(operator: ApiClient, devices: Devices) -> None:
    """Once a role is revoked, the next access token is no longer good for what the role allowed."""
    browser = devices.new(None)
    browser.renew()  # the rights are in the cache from now on
    expect(operator.delete(f"/v1/auth/users/{browser.username}/roles/trader"), 200)
    assert browser.open_account(browser.renew()["access_token"]) == 403


def test_a_role_given_holds_with_the_next_refresh(operator: ApiClient, devices: Devices) -> None:
    """Once a role is granted, the next access token is good for what it allows."""
    browser = devices.new(None)
    browser.renew()
    path = f"/v1/auth/users/{browser.username}"
    assert browser.request("GET", path).status_code == 403
    expect(operator.post(f"{path}/roles", json={"role": "operator"}), 200)
    browser.renew()
    assert browser.request("GET", path).status_code == 200


def test_a_right_that_is_being_taken_away_does_not_come_back(
    platform: Any, operator: ApiClient, devices: Devices
) -> None:
    """A refresh while a role is being revoked changes nothing: the token after the change lacks the right."""
    browser = devices.new(None)
    path = f"/v1/auth/users/{browser.username}/roles/trader"
    with ThreadPoolExecutor(1) as pool, held_table(platform, USERS, database="users_db") as users:
        change = pool.submit(operator.delete, path)
        users.wait_for(1)
        browser.renew()
        users.release()
        assert expect(change.result(), 200)["roles"] == []
    assert browser.open_account(browser.renew()["access_token"]) == 403


def test_a_right_that_is_being_given_is_not_missed(
    platform: Any, operator: ApiClient, devices: Devices
) -> None:
    """A refresh while a role is being granted changes nothing: the token after the change has the right."""
    browser = devices.new(None)
    path = f"/v1/auth/users/{browser.username}"
    with ThreadPoolExecutor(1) as pool, held_table(platform, USERS, database="users_db") as users:
        change = pool.submit(operator.post, f"{path}/roles", json={"role": "operator"})
        users.wait_for(1)
        browser.renew()
        users.release()
        assert "operator" in expect(change.result(), 200)["roles"]
    browser.renew()
    assert browser.request("GET", path).status_code == 200


def test_a_reader_on_the_heels_of_a_change_sees_it(platform: Any, market: Any) -> None:
    """Who reads a user's rights as soon as they have left the cache reads those after the change."""
    username = market.new_user()[1]
    probe = "support.auth_probe:role_change_seen"
    seen = run_in_service(platform, "auth", probe, username=username, role="trader")
    assert seen == {"during": [[]], "after": []}
