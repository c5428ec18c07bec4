from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.client import expect
from support.race import held_row
from support.wait import until

from shared.events import codec

pytestmark = pytest.mark.services("gateway", "auth", "users")


def events_of(platform: Any, account_id: str) -> list[Any]:
    """The envelopes on the topic `accounts` that tell of this account, in order."""
    messages = platform.kafka.peek("accounts", limit=5000)
    return [codec.decode(message.value) for message in messages if message.key == account_id]


def test_a_user_opens_an_account_and_finds_it(market: Any) -> None:
    """From registration to account: what was opened is open, his, and in his list."""
    client, _, _, user_id = market.new_user()
    account = expect(client.post("/v1/accounts", json={"name": "Savings", "currency": "EUR"}), 201)
    assert (account["name"], account["currency"], account["status"]) == ("Savings", "EUR", "open")
    assert account["owner_id"] == user_id
    assert expect(client.get(f"/v1/accounts/{account['account_id']}"), 200) == account
    assert expect(client.get("/v1/accounts"), 200)["items"] == [account]


def test_a_profile_is_kept(market: Any) -> None:
    """A profile is empty at first, then what its user wrote last."""
    client, _, _, user_id = market.new_user()
    said = {"user_id": user_id, "verified": False, "standing": "member"}
    empty = {"display_name": "", "country": "", "webhook_url": None}
    assert expect(client.get("/v1/users/me"), 200) == said | empty
    wanted = {"display_name": "Ada", "country": "GB", "webhook_url": "https://example.com/hook"}
    assert expect(client.put("/v1/users/me", json=wanted), 200) == said | wanted
    assert expect(client.get("/v1/users/me"), 200) == said | wanted


def test_opening_an_account_is_announced(platform: Any, market: Any) -> None:
    """AccountOpened reaches the topic, keyed by the account, with its owner and tenant."""
    client, _, _, user_id = market.new_user()
    account_id = expect(client.post("/v1/accounts", json={"name": "main"}), 201)["account_id"]
    envelope = until(lambda: events_of(platform, account_id), message="AccountOpened is published")[0]
    assert (envelope.event_type, envelope.aggregate_id, envelope.sequence) == (
        "AccountOpened",
        account_id,
        1,
    )
    assert (envelope.payload.owner_id, envelope.payload.tenant) == (user_id, "retail")


def test_closing_an_account_is_announced_once(platform: Any, market: Any) -> None:
    """An account closed twice is closed, and AccountClosed follows AccountOpened once."""
    client, *_ = market.new_user()
    account_id = expect(client.post("/v1/accounts", json={"name": "main"}), 201)["account_id"]
    closed = [expect(client.delete(f"/v1/accounts/{account_id}"), 200) for _ in range(2)]
    assert closed[0] == closed[1]
    assert closed[0]["status"] == "closed"
    marker = expect(client.post("/v1/accounts", json={"name": "after"}), 201)["account_id"]
    until(lambda: events_of(platform, marker), message="a later event is published")
    kinds = [envelope.event_type for envelope in events_of(platform, account_id)]
    assert kinds == ["AccountOpened", "AccountClosed"]


def test_closing_at_the_same_moment_is_announced_once(platform: Any, market: Any) -> None:
    """Of two requests that close one account together, one does it."""
    client, *_ = market.new_user()
    account_id = expect(client.post("/v1/accounts", json={"name": "main"}), 201)["account_id"]
    with (
        ThreadPoolExecutor(2) as pool,
        held_row(platform, account_id, table="users_account", database="users_db") as row,
    ):
        answers = [pool.submit(client.delete, f"/v1/accounts/{account_id}") for _ in range(2)]
        row.release_when_settled(2)
        closed = [expect(answer.result(), 200)["closed_at"] for answer in answers]
    assert closed[0] == closed[1]
    rows = platform.sql("users_db", "SELECT id FROM users_usersoutbox WHERE key = %s", (account_id,))
    assert len(rows) == 2, "one event for the opening, one for the closing"


def test_the_event_leaves_with_its_account(platform: Any, market: Any) -> None:
    """Accounts and their events are written together: every account has its row in the outbox."""
    client, _, _, user_id = market.new_user()
    for number in range(3):
        expect(client.post("/v1/accounts", json={"name": f"a{number}"}), 201)
    rows = platform.sql(
        "users_db",
        "SELECT a.account_id, o.id FROM users_account a LEFT JOIN users_usersoutbox o "
        "ON o.key = a.account_id WHERE a.owner_id = %s",
        (user_id,),
    )
    assert len(rows) == 3
    assert all(row["id"] is not None for row in rows)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"currency": "USD"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": 7}, "name"),
        ({"name": "main", "currency": "usd"}, "currency"),
        ({"name": "main", "currency": None}, "currency"),
    ],
)
def test_a_bad_account_is_refused_by_field(market: Any, body: dict[str, Any], field: str) -> None:
    """A request that breaks a rule gets 422 and the name of the field."""
    client, *_ = market.new_user()
    problem = expect(client.post("/v1/accounts", json=body), 422)
    assert field in [error["field"].split(".")[-1] for error in problem["errors"]]
