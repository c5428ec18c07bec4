"""What matching says of each execution, in the words of the wire contract."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.matching.executions import Cancelled, Replaced, StatusChanged, Trade, Triggered
from services.matching.published import execution_event
from shared.events import envelope_for, route, topic_for
from shared.events.codec import decode, encode

pytestmark = pytest.mark.services("matching", "orders", "risk")
MOMENT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
NANOS = 10**9

EXECUTIONS = [
    Trade(1, 10 * NANOS, 5 * NANOS, 1, "t", "a", "m", "b"),
    Cancelled(2, "o", "a", 5 * NANOS, "self_trade"),
    Replaced(3, "o", "a", 5 * NANOS, 10 * NANOS),
    Replaced(4, "o", "a", 5 * NANOS, None),
    Triggered(5, "o", "a", 10 * NANOS),
    StatusChanged(6, "halted"),
]


@pytest.mark.parametrize("execution", EXECUTIONS, ids=lambda each: f"{type(each).__name__}-{each.sequence}")
def test_every_execution_travels_and_comes_back(execution):
    """Whatever the engine answers fits the wire, unchanged."""
    event = execution_event(execution, "ACME", MOMENT)
    sent = envelope_for(event, producer="matching", aggregate_id="ACME", sequence=execution.sequence, epoch=1)
    assert decode(encode(sent)) == sent


@pytest.mark.parametrize("execution", EXECUTIONS, ids=lambda each: f"{type(each).__name__}-{each.sequence}")
def test_executions_of_a_symbol_share_a_partition(execution):
    """All that matching says of a symbol has one topic and one key, hence one order."""
    assert route(execution_event(execution, "ACME", MOMENT)) == ("executions", "ACME")


@pytest.mark.parametrize("kind", ["SubmitOrder", "CancelOrder", "ReplaceOrder", "SetTradingStatus"])
def test_every_command_takes_its_place_in_one_log(kind):
    """Commands of a symbol are applied in the order in which they were sent."""
    topic = topic_for(kind)
    assert (topic.name, topic.key) == ("order-commands", "symbol")
