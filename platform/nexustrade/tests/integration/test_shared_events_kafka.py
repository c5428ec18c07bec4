"""Publishing to and reading from the platform's brokers.

The topic `dead-letters` has no reader among the services, so most of these tests use it as a plain topic;
each recognises its own events by their aggregate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.events import MOMENT
from support.wait import until

from shared.config import Settings
from shared.errors import DependencyUnavailable
from shared.events import UnknownTopicError, envelope_for
from shared.events.consumer import EventConsumer
from shared.events.errors import UnprocessableEvent
from shared.events.producer import EventProducer
from shared.events.types import AccountClosed, SettlementFailed
from shared.ids import new_id
from shared.observability import current_trace_id, span

pytestmark = pytest.mark.services("orders", "matching", "settlement", "audit")

TOPIC = "dead-letters"


class Inbox:
    """A handler that keeps the events of one aggregate, and fails as told."""

    def __init__(self, aggregate: str) -> None:
        self.aggregate = aggregate
        self.sequences: list[int] = []
        self.attempts = 0
        self.metas: list[Any] = []
        self.traces: list[str | None] = []
        self.failures: Iterator[Exception] = iter(())

    def __call__(self, envelope: Any, meta: Any) -> None:
        if envelope.aggregate_id != self.aggregate:
            return
        self.attempts += 1
        for failure in self.failures:
            raise failure
        self.sequences.append(envelope.sequence)
        self.metas.append(meta)
        self.traces.append(current_trace_id())


@pytest.fixture
def settings(platform: Any) -> Settings:
    return Settings.from_mapping(platform.environment("orders"))


@pytest.fixture
def producer(settings: Settings) -> Iterator[EventProducer]:
    with_brokers = EventProducer(settings)
    yield with_brokers
    with_brokers.close()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox(new_id())


@pytest.fixture
def consume(settings: Settings) -> Iterator[Callable[..., EventConsumer]]:
    """Starts a consumer, by default in a group of its own; all end with the test."""
    running: list[EventConsumer] = []

    def start(handler: Any, *, topic: str = TOPIC, group: str | None = None, **options: Any) -> EventConsumer:
        if group is None:
            # Nobody takes this one's place: a stall of the machine costs it nothing.
            options.setdefault(
                "client_options", {"session.timeout.ms": 20_000, "heartbeat.interval.ms": 1_000}
            )
        consumer = EventConsumer(settings, group or f"test-{new_id()}", [topic], handler, **options)
        running.append(consumer)
        consumer.start()
        assert consumer.wait_ready(20)
        return consumer

    yield start
    for each in running:
        each.stop()


def event(aggregate: str, sequence: int = 0) -> Any:
    closed = AccountClosed(account_id=aggregate, closed_at=MOMENT)
    return envelope_for(closed, producer="test", aggregate_id=aggregate, sequence=sequence)


def publish_failed(producer: EventProducer, aggregate: str, sequence: int) -> None:
    """An event on another topic than the dead letters."""
    failed = SettlementFailed(trade_id=aggregate, symbol="X", reason="test", failed_at=MOMENT)
    envelope = envelope_for(failed, producer="test", aggregate_id=aggregate, sequence=sequence)
    producer.publish("settlements", aggregate, envelope)


def test_events_of_one_key_arrive_in_the_order_in_which_they_were_sent(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """A batch that is not waited for one by one keeps its order, and is acknowledged as a whole."""
    consume(inbox)
    futures = [
        producer.publish(TOPIC, inbox.aggregate, event(inbox.aggregate, number), wait=False)
        for number in range(200)
    ]
    offsets = [producer.result(future).offset for future in futures]
    assert offsets == sorted(offsets)
    until(lambda: len(inbox.sequences) >= 200, message="all events arrive")
    assert inbox.sequences == list(range(200))


def test_a_message_carries_the_senders_trace_and_says_what_it_is(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """The handler works in the trace in which the event was published."""
    consume(inbox)
    with span("test"):
        sent_in = current_trace_id()
        producer.publish(TOPIC, "key", event(inbox.aggregate))
    until(lambda: inbox.metas, message="the event arrives")
    assert inbox.traces == [sent_in]
    meta = inbox.metas[0]
    assert (meta.topic, meta.key, meta.headers["event-type"]) == (TOPIC, "key", "AccountClosed")
    assert sent_in in meta.headers["traceparent"]


def test_events_that_a_consumer_does_not_want_are_passed_over(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """Only events of the wanted types reach the handler; those between them are committed unread."""
    failed = SettlementFailed(trade_id="t", symbol="ZX", reason="none", failed_at=MOMENT)
    consume(inbox, only=(SettlementFailed,))
    producer.publish(TOPIC, inbox.aggregate, event(inbox.aggregate, 1))
    wanted = envelope_for(failed, producer="test", aggregate_id=inbox.aggregate, sequence=2)
    producer.publish(TOPIC, inbox.aggregate, wanted)
    until(lambda: inbox.sequences, message="the wanted event arrives")
    assert inbox.sequences == [2]


@pytest.mark.parametrize("fails", [False, True], ids=["taken", "refused"])
def test_waiting_events_are_handed_over_together(
    fails: bool, producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """Events that wait come in few batches, in order; a batch that is refused comes one by one."""
    batches: list[list[int]] = []

    def take(events: Any) -> None:
        batches.append([envelope.sequence for envelope, _ in events])
        if fails:
            raise RuntimeError("not together")
        for envelope, meta in events:
            inbox(envelope, meta)

    for number in range(100):
        producer.publish(TOPIC, inbox.aggregate, event(inbox.aggregate, number), wait=False)
    producer.flush()
    consume(inbox, batch=take)
    until(lambda: len(inbox.sequences) >= 100, message="all events arrive")
    assert inbox.sequences == list(range(100))
    assert max(map(len, batches)) > 1


def test_a_topic_that_nobody_created_is_refused(producer: EventProducer, platform: Any) -> None:
    """A misspelt topic is an error at the sender, and is not created on the way."""
    with pytest.raises(UnknownTopicError, match="executoins"):
        producer.publish("executoins", "key", event("a"))
    assert "executoins" not in platform.kafka.topics()


def test_a_consumer_goes_on_where_its_group_stopped(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """What was handled before a stop is committed: nothing comes twice, nothing is left out."""
    group = f"test-{new_id()}"
    first = consume(inbox, group=group)
    for number in range(3):
        producer.publish(TOPIC, inbox.aggregate, event(inbox.aggregate, number))
    until(lambda: len(inbox.sequences) == 3, message="the first three")
    first.stop()
    for number in range(3, 6):
        producer.publish(TOPIC, inbox.aggregate, event(inbox.aggregate, number))
    consume(inbox, group=group)
    until(lambda: len(inbox.sequences) >= 6, message="the other three")
    assert inbox.sequences == list(range(6))


def test_a_reader_of_its_own_position_starts_there(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """With `start_at` every partition is read from the given offset, whatever the group committed."""
    offsets = [
        producer.result(producer.publish(TOPIC, "key", event(inbox.aggregate, number))).offset
        for number in range(4)
    ]
    consume(inbox, start_at=lambda _topic, _partition: offsets[2])
    until(lambda: len(inbox.sequences) >= 2, message="the last two")
    assert inbox.sequences == [2, 3]


def test_a_position_beyond_the_log_falls_back_to_its_beginning(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """When the brokers lost their log, the reader takes what there is."""
    producer.publish(TOPIC, "key", event(inbox.aggregate, 1))
    consume(inbox, start_at=lambda _topic, _partition: 10**9)
    until(lambda: inbox.sequences, message="the event arrives")
    assert inbox.sequences == [1]


def test_a_handler_that_fails_for_a_while_gets_the_event_again(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """A failure within the bound is retried, in place: the events behind it wait."""
    inbox.failures = iter([ValueError("first"), ValueError("second")])
    consume(inbox, retries=2)
    for number in (1, 2):
        producer.publish(TOPIC, "key", event(inbox.aggregate, number))
    until(lambda: len(inbox.sequences) == 2, message="both events")
    assert (inbox.sequences, inbox.attempts) == ([1, 2], 4)


def test_a_dependency_that_is_away_is_waited_for_beyond_the_bound(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """An event is not given up because a store was down."""
    inbox.failures = iter([DependencyUnavailable("the store is away")] * 4)
    consume(inbox, retries=1)
    producer.publish(TOPIC, "key", event(inbox.aggregate, 1))
    until(lambda: inbox.sequences == [1], timeout=20, message="the event after five attempts")
    assert inbox.attempts == 5


def test_an_event_that_cannot_be_handled_is_set_aside_with_the_reason(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """After the retries the message lies on dead-letters, and the next event is handled."""
    letters = Inbox(inbox.aggregate)
    consume(letters)
    inbox.failures = iter([ValueError("no such trade")] * 2)
    consumer = consume(inbox, topic="settlements", retries=1)
    for number in (1, 2):
        publish_failed(producer, inbox.aggregate, number)
    until(lambda: letters.sequences and inbox.sequences, timeout=20, message="dead letter and next event")
    assert (letters.sequences, inbox.sequences) == ([1], [2])
    headers = letters.metas[0].headers
    assert headers["dead-letter-topic"] == "settlements"
    assert headers["dead-letter-group"] == consumer.group
    assert headers["dead-letter-error"] == "ValueError: no such trade"


def test_an_unprocessable_event_is_set_aside_at_the_first_attempt(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """An event that its handler calls unprocessable is not tried again: the next one follows it."""
    letters = Inbox(inbox.aggregate)
    consume(letters)
    inbox.failures = iter([UnprocessableEvent("an unknown order")])
    consume(inbox, topic="settlements", retries=5)
    for number in (1, 2):
        publish_failed(producer, inbox.aggregate, number)
    until(lambda: letters.sequences and inbox.sequences, timeout=20, message="dead letter and next event")
    assert (letters.sequences, inbox.sequences, inbox.attempts) == ([1], [2], 2)
    assert letters.metas[0].headers["dead-letter-error"] == "UnprocessableEvent: an unknown order"


def test_stopping_waits_for_the_event_in_hand(
    producer: EventProducer, consume: Callable[..., EventConsumer], inbox: Inbox
) -> None:
    """A handler is not torn away from its work, and its event counts as handled."""
    begun, go_on, finished = threading.Event(), threading.Event(), threading.Event()

    def slow(envelope: Any, _meta: Any) -> None:
        if envelope.aggregate_id == inbox.aggregate:
            begun.set()
            assert go_on.wait(20)
            finished.set()

    group = f"test-{new_id()}"
    consumer = consume(slow, group=group)
    producer.publish(TOPIC, "key", event(inbox.aggregate, 1))
    assert begun.wait(20)
    stopper = threading.Thread(target=consumer.stop, kwargs={"timeout": 20})
    stopper.start()
    go_on.set()
    stopper.join(20)
    assert finished.is_set()
    with pytest.raises(DependencyUnavailable):
        consumer.check()
    producer.publish(TOPIC, "key", event(inbox.aggregate, 2))
    consume(inbox, group=group)
    until(lambda: inbox.sequences, message="the next event")
    assert inbox.sequences == [2]
