"""Which versions of a message are understood, and which are refused."""

from __future__ import annotations

import pytest
from support.events import EXAMPLES
from support.versions import NEWER, newer_trade

from proto import events_pb2 as pb
from shared.events import DecodeError, envelope_for
from shared.events.codec import decode, encode
from shared.events.types import AccountOpened, TradeExecuted
from shared.events.versions import current_version, least_reader
from shared.money import Price

pytestmark = pytest.mark.services("matching", "orders", "risk", "settlement")

BY_TYPE = {type(each): each for each in EXAMPLES}


def test_a_newer_message_is_refused_where_its_writer_vouches_for_nobody() -> None:
    """Fields may mean something else by now: a trade of tomorrow's version is no trade of today's."""
    with pytest.raises(DecodeError, match=f"version {NEWER}") as refusal:
        decode(newer_trade("10.25"))
    assert refusal.value.fields == {"event_type": "TradeExecuted", "schema_version": NEWER}


def test_a_newer_message_is_refused_where_it_asks_for_newer_readers() -> None:
    """The writer says that readers of its own version are needed."""
    with pytest.raises(DecodeError, match=f"version {NEWER}"):
        decode(newer_trade("10.25", least_reader=NEWER))


def test_a_newer_message_is_read_where_its_writer_vouches_for_this_reader() -> None:
    """Additions that readers of the present version may miss do not stop them."""
    present = current_version("TradeExecuted")
    received = decode(newer_trade("10.25", least_reader=present, scale=1))
    assert received.payload.price == Price("10.25")
    assert received.schema_version == present


@pytest.mark.parametrize("ahead", [1, 40])
@pytest.mark.parametrize("payload", EXAMPLES, ids=lambda each: type(each).__name__)
def test_no_event_of_an_unknown_version_is_guessed_at(payload: object, ahead: int) -> None:
    """Whatever the event and however far its version is ahead, it is refused."""
    message = pb.Envelope.FromString(encode(envelope_for(payload, producer="test", aggregate_id="x")))
    message.schema_version += ahead
    message.least_reader_version = 0
    with pytest.raises(DecodeError):
        decode(message.SerializeToString())


def test_a_writer_says_who_can_read_what_it_adds() -> None:
    """Accounts with a tenant are understood by readers from before tenants; trades only by their like."""
    for kind, oldest in ((AccountOpened, 1), (TradeExecuted, 0)):
        data = encode(envelope_for(BY_TYPE[kind], producer="test", aggregate_id="x"))
        assert pb.Envelope.FromString(data).least_reader_version == oldest == least_reader(kind.__name__)
