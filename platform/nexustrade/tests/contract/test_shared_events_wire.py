"""The wire contract of the events."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from support.events import EXAMPLES

from proto import events_pb2 as pb
from proto.generate import HERE, generate
from shared.events import envelope_for, load_topics, route, topic_for
from shared.events.codec import decode, encode
from shared.events.types import EVENT_TYPES
from shared.events.versions import current_version, upcast

pytestmark = pytest.mark.services("orders", "matching", "risk", "settlement", "audit", "notifications")

LISTING = Path(__file__).with_name("events_wire.txt")


def wire_listing() -> str:
    """Every message, field number and type of events.proto, one field per line."""
    lines = []
    for name, message in sorted(pb.DESCRIPTOR.message_types_by_name.items()):
        for field in message.fields:
            kind = field.message_type.full_name if field.message_type else f"type {field.type}"
            many = " repeated" if field.is_repeated else ""
            lines.append(f"{name} {field.number} {field.name}: {kind}{many}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", ["events_pb2.py", "events_pb2.pyi"])
def test_the_committed_modules_are_what_the_proto_file_gives(name: str, tmp_path: Path) -> None:
    """Generating afresh changes nothing: nobody edited the modules or forgot to generate them."""
    pytest.importorskip("grpc_tools")
    generate(tmp_path)
    assert (HERE / name).read_text() == (tmp_path / "proto" / name).read_text()


def test_no_field_number_or_type_has_changed() -> None:
    """Stored messages stay readable; only new lines may ever join the listing."""
    known, present = LISTING.read_text().splitlines(), wire_listing().splitlines()
    assert [line for line in known if line not in present] == []
    assert sorted(present) == sorted(known)


@pytest.mark.parametrize("payload", EXAMPLES, ids=lambda each: type(each).__name__)
def test_every_event_comes_back_as_it_went(payload: Any) -> None:
    """What one service writes, another reads, field by field."""
    sent = envelope_for(payload, producer="test", aggregate_id="x", sequence=3, epoch=2)
    assert decode(encode(sent)) == sent


def test_there_is_an_example_of_every_event() -> None:
    """A new event cannot escape the round trip."""
    assert {type(each).__name__ for each in EXAMPLES} == set(EVENT_TYPES)


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_dataclass_and_message_have_the_same_fields(kind: str) -> None:
    """No field is dropped on the way, on either side."""
    message = pb.DESCRIPTOR.message_types_by_name[kind]
    assert [field.name for field in fields(EVENT_TYPES[kind])] == [field.name for field in message.fields]


def test_the_envelope_can_carry_every_event_and_nothing_else() -> None:
    """The payloads of the envelope are the events."""
    carried = {field.message_type.name for field in pb.Envelope.DESCRIPTOR.oneofs_by_name["payload"].fields}
    assert carried == set(EVENT_TYPES)


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_every_older_version_can_be_brought_up(kind: str) -> None:
    """Each step from version 1 to the present has its upcaster."""
    for version in range(1, current_version(kind) + 1):
        upcast(kind, version, getattr(pb, kind)())


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_every_event_travels_on_exactly_one_topic(kind: str) -> None:
    """The topics' configuration covers every event type once."""
    assert [topic.name for topic in load_topics().values() if kind in topic.events] == [topic_for(kind).name]


@pytest.mark.parametrize("payload", EXAMPLES, ids=lambda each: type(each).__name__)
def test_every_event_has_a_key(payload: Any) -> None:
    """Events that belong together share a key, and with it a partition."""
    topic, key = route(payload)
    assert topic == topic_for(type(payload).__name__).name
    assert key in {"o-1", "a-1", "AAPL", "AAPL-1"}


def test_topics_have_the_partitions_and_keys_that_services_rely_on() -> None:
    """Order holds within a partition: what must stay in order has one key."""
    topics = {name: (topic.partitions, topic.key) for name, topic in load_topics().items()}
    assert topics == {
        "order-commands": (3, "symbol"),
        "executions": (3, "symbol"),
        "order-events": (3, "order_id"),
        "settlements": (3, "trade_id"),
        "accounts": (1, "account_id"),
        "dead-letters": (1, None),
    }
