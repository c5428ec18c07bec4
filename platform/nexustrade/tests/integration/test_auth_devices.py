from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.client import ApiClient, expect
from support.devices import Devices

pytestmark = pytest.mark.services("gateway", "auth", "users")


@pytest.mark.parametrize("name", [None, "phone", "Trading desk 4"])
def test_a_log_in_brings_the_users_rights(devices: Devices, name: str | None) -> None:
    """A trader may do on a device with a name what he may do on one without."""
    device = devices.new(name)
    assert device.open_account() == 201


def test_a_refresh_keeps_the_rights(devices: Devices) -> None:
    """The access tokens of a session are good for the same requests, however often it was refreshed."""
    phone = devices.new()
    for _ in range(3):
        assert phone.open_account(phone.renew()["access_token"]) == 201


@pytest.mark.services("orders")
def test_services_see_who_trades_from_a_device(devices: Devices) -> None:
    """An order list that takes a right is answered on every device of its user."""
    phone = devices.new("phone")
    tablet = devices.of(phone.username, phone.password, "tablet")
    answers = [device.request("GET", "/v1/orders").status_code for device in (phone, tablet)]
    assert answers == [200, 200]


def test_an_operator_works_from_a_device(platform: Any, devices: Devices, market: Any) -> None:
    """The operator's roles hold on his tablet: he gives a role to somebody."""
    tablet = devices.of(*platform.operator, "operator tablet")
    username = market.new_user()[1]
    answer = tablet.request("POST", f"/v1/auth/users/{username}/roles", json={"role": "auditor"})
    assert "auditor" in expect(answer, 200)["roles"]


def test_a_second_tab_that_refreshes_later_stays_logged_in(devices: Devices) -> None:
    """Two tabs of one device take turns: each goes on with what it got, and both can trade."""
    phone = devices.new()
    token = phone.refresh_token
    for _ in range(2):
        first, second = (expect(phone.refresh(token), 200) for _ in range(2))
        assert [phone.open_account(tab["access_token"]) for tab in (first, second)] == [201, 201]
        token = first["refresh_token"]


def test_devices_of_one_user_refresh_together(devices: Devices) -> None:
    """Phone and tablet, two tabs each, refresh at once: all four can trade and refresh again."""
    phone = devices.new("phone")
    tablet = devices.of(phone.username, phone.password, "tablet")
    with ThreadPoolExecutor(4) as pool:
        answers = [(device, pool.submit(device.refresh)) for device in (phone, tablet, phone, tablet)]
        tokens = [(device, expect(answer.result(), 200)) for device, answer in answers]
    assert [device.open_account(each["access_token"]) for device, each in tokens] == [201] * 4
    assert [device.refresh(each["refresh_token"]).status_code for device, each in tokens] == [200] * 4


def test_a_user_sees_his_sessions(devices: Devices) -> None:
    """The list of sessions names the devices, the latest log-in first; an ended one is gone."""
    phone = devices.new("phone")
    tablet = devices.of(phone.username, phone.password, "tablet")
    listed = expect(phone.request("GET", "/v1/auth/sessions"), 200)["items"]
    assert [each["device"] for each in listed[:2]] == ["tablet", "phone"]
    ended = tablet.request("DELETE", f"/v1/auth/sessions/{listed[1]['session_id']}")
    assert ended.status_code == 204
    assert (phone.refresh().status_code, tablet.refresh().status_code) == (401, 200)
    left = expect(tablet.request("GET", "/v1/auth/sessions"), 200)["items"]
    assert [each["session_id"] for each in left] == [
        each["session_id"] for each in listed if each["device"] != "phone"
    ]


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "line\nbreak"])
def test_a_device_needs_a_name_that_can_be_shown(market: Any, name: str) -> None:
    """A name that is empty, too long or not printable is refused by field."""
    _, username, password, _ = market.new_user()
    body = {"username": username, "password": password, "device": name}
    anonymous = ApiClient(market.gateway)
    problem = expect(anonymous.post("/v1/auth/login", json=body), 422)
    anonymous.close()
    assert [error["field"].split(".")[-1] for error in problem["errors"]] == ["device"]
