from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from support.calls import total
from support.client import expect
from support.wait import until

pytestmark = pytest.mark.services("gateway", "auth", "users")


def test_signing_keys_are_fetched_once_for_many_requests(platform: Any, market: Any) -> None:
    """Eight users and eighty requests cost at most the fetches that the age of the keys asks for."""
    clients = [market.new_user()[0] for _ in range(8)]
    before = total(platform, "gateway", "gateway_jwks_fetches_total")
    for client in clients:
        for _ in range(10):
            assert client.get("/v1/users/me").status_code == 200
    assert total(platform, "gateway", "gateway_jwks_fetches_total") - before <= 2


def test_identical_reads_of_one_user_at_once_cost_one_call(platform: Any, market: Any) -> None:
    """Ten equal reads that are under way together reach the service once."""
    client, *_ = market.new_user()
    expect(client.get("/v1/accounts"), 200)
    served = 'http_requests_total{method="GET",route="/v1/accounts"'
    before = total(platform, "users", served)
    joined = total(platform, "gateway", "gateway_reads_joined_total")
    with platform.connect("users_db") as connection, ThreadPoolExecutor(10) as pool:
        connection.execute("LOCK TABLE users_account IN ACCESS EXCLUSIVE MODE")
        reads = [pool.submit(client.get, "/v1/accounts") for _ in range(10)]
        until(
            lambda: total(platform, "gateway", "gateway_reads_joined_total") - joined >= 9,
            timeout=20,
            message="nine reads wait for the answer to the first",
        )
        connection.rollback()
        assert [read.result().status_code for read in reads] == [200] * 10
    assert total(platform, "users", served) - before == 1


def test_equal_reads_of_two_users_are_two_calls(platform: Any, market: Any) -> None:
    """Two users who ask for the same path at the same moment get their own accounts."""
    pairs = [market.new_user() for _ in range(2)]
    for client, *_ in pairs:
        expect(client.post("/v1/accounts", json={"name": "main"}), 201)
    joined = partial(total, platform, "gateway", "gateway_reads_joined_total")
    before = joined()
    with platform.connect("users_db") as connection, ThreadPoolExecutor(2) as pool:
        connection.execute("LOCK TABLE users_account IN ACCESS EXCLUSIVE MODE")
        reads = [pool.submit(client.get, "/v1/accounts") for client, *_ in pairs]
        until(lambda: waiting(platform) + joined() - before >= 2, message="both reads wait")
        connection.rollback()
        owners = [expect(read.result(), 200)["items"][0]["owner_id"] for read in reads]
    assert owners == [user_id for *_, user_id in pairs]


def waiting(platform: Any) -> int:
    return platform.sql(
        "users_db",
        "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s",
        ("%users_account%",),
    )[0]["n"]


def test_one_connection_serves_many_requests(platform: Any, market: Any) -> None:
    """Forty requests one after the other open no connection of their own to the service."""
    client, *_ = market.new_user()
    expect(client.get("/v1/users/me"), 200)
    before = total(platform, "gateway", "client_connections_total")
    for _ in range(40):
        expect(client.get("/v1/users/me"), 200)
    assert total(platform, "gateway", "client_connections_total") - before <= 2
