from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from support.devices import Device, Devices

pytestmark = pytest.mark.services("gateway", "auth", "users", "orders")

USERS, TABS, ROUNDS = 4, 2, 2


def ring(phone: Device, token: str, bell: Barrier) -> tuple[tuple[int, int], str]:
    """The statuses of a tab's refresh at the bell and of a request after it; its next refresh token."""
    bell.wait()
    answer = phone.refresh(token)
    if answer.status_code != 200:
        return (answer.status_code, 0), ""
    tokens = answer.json()
    read = phone.request("GET", "/v1/orders", tokens["access_token"])
    return (answer.status_code, read.status_code), tokens["refresh_token"]


def test_nobody_is_logged_out_at_the_opening_bell(devices: Devices) -> None:
    """Every tab of every device refreshes at the bell, and again at the next: all of them can trade."""
    phones = [devices.new() for _ in range(USERS)]
    tabs = [(phone, phone.refresh_token) for phone in phones for _ in range(TABS)]
    for _ in range(ROUNDS):
        bell = Barrier(USERS * TABS)

        with ThreadPoolExecutor(USERS * TABS) as pool:
            rings = [(phone, pool.submit(ring, phone, token, bell)) for phone, token in tabs]
            outcomes = [(phone, *result.result()) for phone, result in rings]
        assert [statuses for _, statuses, _ in outcomes] == [(200, 200)] * len(tabs)
        tabs = [(phone, token) for phone, _, token in outcomes]
