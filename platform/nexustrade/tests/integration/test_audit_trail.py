"""The audit trail over the running platform."""

import psycopg
import pytest
from support.client import expect
from support.wait import until

pytestmark = pytest.mark.services("audit", "gateway", "orders")


def entries_of(operator, aggregate_id):
    items, after = [], 0
    while after is not None:
        params = {"aggregate_id": aggregate_id, "after": after, "limit": 100}
        page = expect(operator.get("/v1/audit/entries", params=params), 200)
        items += page["items"]
        after = page["next"]
    return items


def an_audited_order(operator, trader, symbol):
    order_id = expect(trader.submit(symbol, "buy", "5", "10.00"), 201)["order_id"]
    until(lambda: entries_of(operator, order_id), message="the order is in the audit trail")
    return order_id


def test_an_accepted_order_is_recorded_with_its_content(operator, new_trader, new_symbol):
    """The entry tells who, what, when and in which trace."""
    trader, symbol = new_trader(), new_symbol()
    order_id = an_audited_order(operator, trader, symbol)
    until(
        lambda: {each["event_type"] for each in entries_of(operator, order_id)} >= {"OrderAccepted"},
        message="acceptance is recorded",
    )
    accepted = next(each for each in entries_of(operator, order_id) if each["event_type"] == "OrderAccepted")
    assert accepted["topic"] == "order-events"
    assert accepted["producer"] == "orders"
    assert accepted["payload"]["account_id"] == trader.account_id
    assert accepted["payload"]["symbol"] == symbol
    assert len(accepted["trace_id"]) == 32


def test_the_chain_verifies(operator, new_trader, new_symbol):
    """After new events, every hash fits the one before."""
    an_audited_order(operator, new_trader(), new_symbol())
    verdict = expect(operator.get("/v1/audit/verify"), 200)
    assert (verdict["valid"], verdict["broken_at"]) == (True, None)
    assert verdict["entries"] > 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET producer = 'nobody' WHERE sequence = 1",
        "DELETE FROM audit_entry WHERE sequence = 1",
        "TRUNCATE audit_entry",
    ],
    ids=["update", "delete", "truncate"],
)
def test_the_database_refuses_to_change_the_trail(platform, statement):
    """Entries can be added, never changed or removed."""
    with platform.connect("audit_db") as connection, pytest.raises(psycopg.Error, match="append-only"):
        connection.execute(statement)


def tamper(platform, statement, params):
    """What a database administrator could do: switch the trigger off, change, switch it on again."""
    with platform.connect("audit_db") as connection:
        connection.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only")
        connection.execute(statement, params)
        connection.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_append_only")


@pytest.mark.parametrize(
    "column", ["producer", "event_type", "aggregate_id", "topic", "hash", "previous_hash"]
)
def test_tampering_behind_the_triggers_back_is_found(platform, operator, new_trader, new_symbol, column):
    """Whatever column an administrator changes, verification names the entry."""
    order_id = an_audited_order(operator, new_trader(), new_symbol())
    entry = entries_of(operator, order_id)[0]
    statement = f"UPDATE audit_entry SET {column} = %s WHERE sequence = %s"
    tamper(platform, statement, ("tampered", entry["sequence"]))
    try:
        verdict = expect(operator.get("/v1/audit/verify"), 200)
    finally:
        tamper(platform, statement, (entry[column], entry["sequence"]))
    assert (verdict["valid"], verdict["broken_at"]) == (False, entry["sequence"])
    assert expect(operator.get("/v1/audit/verify"), 200)["valid"]


def test_the_trail_is_for_operators_and_auditors(new_trader):
    """A trader reads neither entries nor the verdict."""
    client = new_trader(cash="0").client
    assert client.get("/v1/audit/entries").status_code == 403
    assert client.get("/v1/audit/verify").status_code == 403


def test_entries_are_paged_in_the_order_of_the_chain(operator, new_trader, new_symbol):
    """Pages follow each other without gap or overlap."""
    an_audited_order(operator, new_trader(), new_symbol())
    first = expect(operator.get("/v1/audit/entries", params={"limit": 2}), 200)
    second = expect(operator.get("/v1/audit/entries", params={"limit": 1, "after": first["next"]}), 200)
    assert [each["sequence"] for each in first["items"] + second["items"]] == [1, 2, 3]
    assert second["items"][0]["previous_hash"] == first["items"][1]["hash"]
