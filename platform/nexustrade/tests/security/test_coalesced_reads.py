"""Reads that are under way together, and whose data they show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from support.burst import in_flight
from support.calls import total
from support.client import ApiClient, expect
from support.wait import until

pytestmark = pytest.mark.services("gateway", "auth", "users")


@contextmanager
def held_reads(platform: Any, calls: list[Callable[[], httpx.Response]]) -> Iterator[list[Any]]:
    """The reads, begun while nobody can read accounts; at the block's end every one has had its effect."""
    before = total(platform, "gateway", "gateway_reads_joined_total")
    with platform.connect("users_db") as connection:
        connection.execute("LOCK TABLE users_account IN ACCESS EXCLUSIVE MODE")
        with in_flight(calls) as reads:
            try:
                until(
                    lambda: (
                        waiting(platform) + total(platform, "gateway", "gateway_reads_joined_total") - before
                        >= len(calls)
                    ),
                    message="every read waits for the database or for another read",
                )
            finally:
                connection.rollback()
            yield reads


def waiting(platform: Any) -> int:
    query = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND relation = 'users_account'::regclass"
    return platform.sql("users_db", query)[0]["n"]


def owners(reads: list[Any]) -> list[set[str]]:
    return [{each["owner_id"] for each in expect(read.result(), 200)["items"]} for read in reads]


@pytest.fixture
def users(market: Any) -> list[tuple[ApiClient, str]]:
    """Three users with an account each."""
    made = [market.new_user() for _ in range(3)]
    for client, *_ in made:
        expect(client.post("/v1/accounts", json={"name": "main"}), 201)
    return [(client, user_id) for client, *_, user_id in made]


def test_users_who_ask_together_see_their_own_accounts(platform: Any, users: Any) -> None:
    """Three users of one house list their accounts at the same moment, and each gets his."""
    with held_reads(platform, [partial(client.get, "/v1/accounts") for client, _ in users]) as reads:
        assert owners(reads) == [{user_id} for _, user_id in users]


def test_equal_reads_are_shared_only_with_oneself(platform: Any, users: Any) -> None:
    """Two users with two tabs each: every tab shows the accounts of its own user."""
    tabs = users[:2] * 2
    with held_reads(platform, [partial(client.get, "/v1/accounts") for client, _ in tabs]) as reads:
        assert owners(reads) == [{user_id} for _, user_id in tabs]


def test_a_stranger_cannot_ride_on_the_read_of_an_account(platform: Any, users: Any) -> None:
    """While its owner reads an account, somebody else who asks for it is refused."""
    (owner, owner_id), (stranger, _) = users[:2]
    account_id = expect(owner.get("/v1/accounts"), 200)["items"][0]["account_id"]
    path = f"/v1/accounts/{account_id}"
    with held_reads(platform, [partial(client.get, path) for client in (owner, stranger)]) as reads:
        assert expect(reads[0].result(), 200)["owner_id"] == owner_id
        assert reads[1].result().status_code in {403, 404}
