from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.client import expect
from support.devices import Device, Devices
from support.race import held_row
from support.wait import until

pytestmark = pytest.mark.services("gateway", "auth", "users")


@pytest.fixture
def lose_answer(platform: Any) -> Callable[[Device], None]:
    """A refresh that auth carries out after its client has given up."""

    def lose(device: Device) -> None:
        digest = hashlib.sha256(device.refresh_token.encode()).hexdigest()
        row = {"table": "nexus_auth_refreshtoken", "column": "token_hash", "database": "users_db"}
        with ThreadPoolExecutor(1) as pool, held_row(platform, digest, **row) as held:
            soon = f"{time.time() + 1.5:.3f}"
            answer = pool.submit(lambda: device.refresh(**{"X-Request-Deadline": soon}))
            until(lambda: held.waiting() or answer.done(), message="auth works on the refresh")
            assert answer.result().status_code == 504
            held.release()
        used = "SELECT used_at FROM nexus_auth_refreshtoken WHERE token_hash = %s AND used_at IS NOT NULL"
        until(lambda: platform.sql("users_db", used, (digest,)), message="the refresh is carried out")

    return lose


def test_a_client_that_never_got_his_answer_asks_again(
    devices: Devices, lose_answer: Callable[[Device], None]
) -> None:
    """A refresh whose answer was lost on its way can be repeated; its tokens are good for trading."""
    phone = devices.new()
    lose_answer(phone)
    tokens = expect(phone.refresh(), 200)
    assert phone.open_account(tokens["access_token"]) == 201
    assert phone.refresh(tokens["refresh_token"]).status_code == 200
