"""Producers and consumers while brokers go away and come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.events import MOMENT
from support.wait import until

from shared.config import Settings
from shared.errors import DependencyUnavailable
from shared.events import PublishError, codec, envelope_for
from shared.events.consumer import EventConsumer
from shared.events.producer import EventProducer
from shared.events.types import AccountClosed
from shared.ids import new_id

pytestmark = pytest.mark.services("audit", "matching", "orders")

TOPIC = "dead-letters"  # no service reads it
BROKERS = (1, 2, 3)


@pytest.fixture(scope="module")
def kafka(own_platform: Callable[..., Any]) -> Any:
    return own_platform(services=["audit"])


@pytest.fixture
def brokers(kafka: Any) -> Iterator[Any]:
    """The platform's brokers, all up again after the test."""
    yield kafka.kafka
    for each in BROKERS:
        kafka.kafka.broker_up(each)


@pytest.fixture
def settings(kafka: Any) -> Settings:
    return Settings.from_mapping(kafka.environment("audit"))


@pytest.fixture
def producer(settings: Settings) -> Iterator[EventProducer]:
    patient = EventProducer(settings, delivery_timeout=30)
    yield patient
    patient.close()


@pytest.fixture
def received(settings: Settings) -> Iterator[list[tuple[str, int]]]:
    """What a consumer of the topic has handled: (aggregate, sequence)."""
    handled: list[tuple[str, int]] = []
    consumer = EventConsumer(
        settings,
        f"test-{new_id()}",
        [TOPIC],
        lambda envelope, _meta: handled.append((envelope.aggregate_id, envelope.sequence)),
    )
    consumer.start()
    assert consumer.wait_ready(20)
    yield handled
    consumer.stop()


def event(aggregate: str, sequence: int) -> Any:
    closed = AccountClosed(account_id=aggregate, closed_at=MOMENT)
    return envelope_for(closed, producer="test", aggregate_id=aggregate, sequence=sequence)


def logged(brokers: Any, aggregate: str) -> list[int]:
    """The sequence numbers of an aggregate's events, as the brokers keep them."""
    envelopes = [codec.decode(message.value) for message in brokers.peek(TOPIC, 10_000)]
    return [each.sequence for each in envelopes if each.aggregate_id == aggregate]


def test_events_published_during_an_outage_arrive_once_and_in_order(
    brokers: Any, producer: EventProducer, received: list[tuple[str, int]]
) -> None:
    """What was not acknowledged is sent again by the client; the brokers recognise repetitions."""
    aggregate = new_id()
    producer.publish(TOPIC, aggregate, event(aggregate, 0))
    for each in BROKERS:
        brokers.broker_down(each)
    futures = [
        producer.publish(TOPIC, aggregate, event(aggregate, number), wait=False) for number in range(1, 21)
    ]
    assert not any(future.done() for future in futures)
    for each in BROKERS:
        brokers.broker_up(each)
    for future in futures:
        producer.result(future)
    assert logged(brokers, aggregate) == list(range(21))

    # A consumer whose commit fell into the outage may see an event again, never one out of turn.
    def seen() -> list[int]:
        return list(dict.fromkeys(number for each, number in received if each == aggregate))

    until(lambda: len(seen()) == 21, message="all events arrive")
    assert seen() == list(range(21))


def test_a_message_that_no_broker_takes_in_time_is_reported(brokers: Any, settings: Settings) -> None:
    """The sender learns that his event was not acknowledged, and may send it again later."""
    hasty = EventProducer(settings, delivery_timeout=1)
    try:
        # A new producer's first event takes up to a second, for the handshake.
        until(lambda: _published(hasty, new_id()), message="published before the outage")
        for each in BROKERS:
            brokers.broker_down(each)
        with pytest.raises(PublishError):
            hasty.publish(TOPIC, "key", event("a", 1))
        for each in BROKERS:
            brokers.broker_up(each)
        aggregate = new_id()
        until(lambda: _published(hasty, aggregate), timeout=30, message="published again")
    finally:
        hasty.close()


def test_a_consumer_without_brokers_is_not_ready_until_one_is_back(brokers: Any, settings: Settings) -> None:
    """Readiness tells that no event can arrive, and recovers by itself."""
    consumer = EventConsumer(settings, f"test-{new_id()}", [TOPIC], lambda _envelope, _meta: None)
    consumer.start()
    try:
        assert consumer.wait_ready(20)
        until(lambda: _ready(consumer), message="ready")
        for each in BROKERS:
            brokers.broker_down(each)
        until(lambda: not _ready(consumer), timeout=20, message="no longer ready")
        for each in BROKERS:
            brokers.broker_up(each)
        until(lambda: _ready(consumer), timeout=20, message="ready again")
    finally:
        consumer.stop()


def _published(producer: EventProducer, aggregate: str) -> bool:
    try:
        producer.publish(TOPIC, "key", event(aggregate, 1))
    except PublishError:
        return False
    return True


def _ready(consumer: EventConsumer) -> bool:
    try:
        consumer.check()
    except DependencyUnavailable:
        return False
    return True
