"""The audit trail over crashes of its service."""

import uuid

import pytest
from support.client import expect
from support.direct import OperatorClient, publish, trade_envelope
from support.wait import until

pytestmark = pytest.mark.services("audit")


@pytest.fixture(scope="module")
def auditing(own_platform):
    """A platform of audit and settlement, which may be killed."""
    return own_platform(services=["audit", "settlement"])


def recorded(platform, symbol):
    rows = platform.sql(
        "audit_db", "SELECT event_id FROM audit_entry WHERE aggregate_id = %s ORDER BY sequence", (symbol,)
    )
    return [row["event_id"] for row in rows]


def verdict(platform):
    client = OperatorClient(platform, "audit")
    try:
        return expect(client.get("/v1/audit/verify"), 200)
    finally:
        client.close()


def some_trades(symbol, count):
    return [trade_envelope(symbol, uuid.uuid4().hex, uuid.uuid4().hex) for _ in range(count)]


def test_a_killed_audit_loses_and_doubles_nothing(auditing):
    """Events before, during and after a crash are all recorded once, in order."""
    symbol = "ZAUDITA"
    before, during, after = (some_trades(symbol, 40) for _ in range(3))
    publish(auditing, before)
    until(lambda: recorded(auditing, symbol), message="recording has begun")
    auditing.kill("audit")
    publish(auditing, during)
    auditing.start_service("audit")
    publish(auditing, after)
    expected = [each.event_id for each in before + during + after]
    until(lambda: len(recorded(auditing, symbol)) >= len(expected), message="all events are recorded")
    assert recorded(auditing, symbol) == expected
    assert verdict(auditing)["valid"]


def test_redelivered_events_are_recorded_once(auditing):
    """An event that is delivered again leaves no second entry."""
    symbol = "ZAUDITB"
    events, last = some_trades(symbol, 10), some_trades(symbol, 1)
    publish(auditing, [*events, *reversed(events), *events, *last])
    until(lambda: last[0].event_id in recorded(auditing, symbol), message="the last event is recorded")
    assert recorded(auditing, symbol) == [each.event_id for each in events + last]


def test_a_crash_in_the_middle_of_an_append_leaves_no_gap(auditing):
    """Killed while it holds the head of the chain, audit goes on where the chain ends."""
    symbol = "ZAUDITC"
    events = some_trades(symbol, 5)
    with auditing.connect("audit_db") as held:
        held.execute("SELECT sequence FROM audit_chain_head FOR UPDATE")
        publish(auditing, events)
        until(
            lambda: auditing.sql(
                "audit_db",
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND query LIKE '%%audit_chain_head%%'",
            ),
            message="an append waits for the head",
        )
        auditing.kill("audit")
        held.rollback()
    auditing.start_service("audit")
    until(lambda: len(recorded(auditing, symbol)) == len(events), message="all events are recorded")
    (span,) = auditing.sql(
        "audit_db", "SELECT min(sequence) AS first, max(sequence) AS last, count(*) AS total FROM audit_entry"
    )
    assert (span["first"], span["last"]) == (1, span["total"])
    assert verdict(auditing)["valid"]


def test_events_that_come_together_and_again_are_recorded_once(auditing):
    """A burst with repetitions in it leaves one entry per event, in the order of the burst."""
    symbol = "ZAUDITD"
    trades = some_trades(symbol, 30)
    publish(auditing, [*trades[:20], *trades[10:]], wait=False)
    until(lambda: len(recorded(auditing, symbol)) >= 30, message="every trade is recorded")
    assert recorded(auditing, symbol) == [trade.event_id for trade in trades]
    assert verdict(auditing)["valid"]
