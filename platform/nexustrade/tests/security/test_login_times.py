"""What a password costs, and what the time of a refused log-in tells."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.client import ApiClient, expect
from support.timing import SAMPLES, TELLING, how_often_longer

pytestmark = pytest.mark.services("gateway", "auth")

PASSES, KIB = 3, 19_456
COST = {
    "NEXUS__AUTH__PASSWORD_HASH__TIME_COST": f"{PASSES}",
    "NEXUS__AUTH__PASSWORD_HASH__MEMORY_KIB": f"{KIB}",
}


@pytest.fixture(scope="module")
def costly_platform(own_platform: Any) -> Any:
    return own_platform(services=["gateway", "auth"], env=COST)


def test_login_takes_as_long_for_a_name_that_does_not_exist(costly_platform: Any, market_on: Any) -> None:
    """Who times refused log-ins cannot tell names that exist from names that do not."""
    market = market_on(costly_platform)
    _, username, password, _ = market.new_user()
    anonymous = ApiClient(market.gateway)

    def refusal(name: str) -> float:
        started = time.perf_counter()
        expect(anonymous.post("/v1/auth/login", json={"username": name, "password": password + "x"}), 401)
        return time.perf_counter() - started

    # In turns, so that both meet the machine as busy as the other does.
    pairs = [(refusal(username), refusal(market.name("u-"))) for _ in range(SAMPLES)]
    anonymous.close()
    known, unknown = zip(*pairs, strict=True)
    assert how_often_longer(known, unknown) < TELLING


def test_a_password_costs_what_is_configured(costly_platform: Any, market_on: Any) -> None:
    """The stored hash of a new user tells the passes and the memory that the configuration names."""
    _, username, *_ = market_on(costly_platform).new_user()
    (row,) = costly_platform.sql(
        "users_db", "SELECT password_hash FROM nexus_auth_user WHERE username = %s", [username]
    )
    assert row["password_hash"].startswith(f"$argon2id$v=19$m={KIB},t={PASSES},p=1$")
