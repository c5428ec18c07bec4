"""What a wrong secret costs, and whom."""

from __future__ import annotations

from typing import Any

import pytest
from support.calls import served
from support.client import ApiClient

pytestmark = pytest.mark.services("gateway", "auth")


@pytest.fixture
def anonymous(platform: Any) -> Any:
    client = ApiClient(platform.url("gateway"))
    yield client
    client.close()


def test_a_wrong_password_is_tried_once(platform: Any, market: Any, anonymous: ApiClient) -> None:
    """A log-in that is refused has been put to auth once: whoever guesses gets one guess for each request."""
    _, username, password, _ = market.new_user()
    answer = anonymous.post("/v1/auth/login", json={"username": username, "password": f"{password}x"})
    assert answer.status_code == 401
    assert len(served(platform, answer, "auth")) == 1


def test_a_refused_refresh_is_not_sent_again(platform: Any, anonymous: ApiClient) -> None:
    """A refresh token that auth does not take is shown to it once."""
    answer = anonymous.post("/v1/auth/refresh", json={"refresh_token": "no-such-token-" + "x" * 32})
    assert answer.status_code == 401
    assert len(served(platform, answer, "auth")) == 1


def test_a_name_that_is_taken_is_asked_for_once(platform: Any, market: Any, anonymous: ApiClient) -> None:
    """A registration that meets a conflict is not repeated behind the back of its caller."""
    _, username, password, _ = market.new_user()
    again = {"username": username, "email": f"{username}@example.com", "password": password}
    answer = anonymous.post("/v1/auth/register", json=again)
    assert answer.status_code == 409
    assert len(served(platform, answer, "auth")) == 1
