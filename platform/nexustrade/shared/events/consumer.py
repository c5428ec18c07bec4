"""Reading events from Kafka: at least once, in order within a partition.

An event is committed after its handler returned, so a crash repeats the last few: handlers deduplicate by
`event_id`. A handler that fails because something it needs is away (`is_transient`) is tried again until that
is back, since the events behind it would fail too. One that fails otherwise is tried `retries` times more and
then put on the topic `dead-letters`; one that a handler calls unprocessable goes there at once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from confluent_kafka import (
    OFFSET_STORED,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from shared.config.files import Config, load_config
from shared.errors import DependencyUnavailable
from shared.events import codec
from shared.events.errors import DecodeError, UnprocessableEvent
from shared.events.kafka import CONNECTION_OPTIONS, log_client_error
from shared.events.message import MessageMeta
from shared.events.producer import EVENT_TYPE_HEADER, EventProducer
from shared.events.retries import Backoff, is_transient
from shared.events.topics import DEAD_LETTERS
from shared.observability import counter, extract, get_logger, span
from shared.observability.tracing import CONSUMER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from confluent_kafka import Message
    from opentelemetry.trace import Span

    from shared.config.settings import Settings
    from shared.events.envelope import EventEnvelope
    from shared.events.types import Event

    Handler = Callable[[EventEnvelope, MessageMeta], object]
    BatchHandler = Callable[[Sequence[tuple[EventEnvelope, MessageMeta]]], object]
    StartAt = Callable[[str, int], int | None]

POLL_SECONDS = 0.1
BATCH = 50  # events handed over together at most
COMMIT_EVERY = 100  # events, while there is no pause in which to commit
REOPEN_SECONDS = 1.0
PROBE_SECONDS = 0.5

_log = get_logger(__name__)
_consumed = counter("events_consumed_total", "Messages read from Kafka", ("topic", "group", "outcome"))


class EventConsumer:
    """Hands the events of `topics` to `handler`, one after the other, in a thread of its own.

    Usually the partitions are shared out among the members of `group`. With `start_at` this consumer reads
    every partition itself, from the offset that `start_at(topic, partition)` gives, or where the group last
    committed when that is None: for a reader that keeps its own position, under a lock of its own.

    With `only`, events of other types are passed over unread. With `batch`, events that wait are handed to it
    several at a time, outside their spans; when it raises, none of them may have taken effect, and `handler`
    gets them one by one.
    """

    def __init__(
        self,
        settings: Settings,
        group: str,
        topics: Sequence[str],
        handler: Handler,
        *,
        only: Sequence[type[Event]] = (),
        batch: BatchHandler | None = None,
        retries: int | None = None,
        dead_letter: bool = True,
        start_at: StartAt | None = None,
        config: Config | None = None,
        client_options: Mapping[str, Any] | None = None,
    ) -> None:
        config = config or load_config(settings.env)
        self.group = group
        self.topics = list(topics)
        self._handler = handler
        self._batch = batch
        self._only = frozenset(event.__name__ for event in only)
        self._retries = config.get("kafka.retries", int) if retries is None else retries
        self._backoff = Backoff(config.get("kafka.retry_backoff_seconds", float))
        self._start_at = start_at
        self._producer = EventProducer(settings, config=config) if dead_letter else None
        self._options = {
            **_options(settings, group, config),
            "error_cb": self._on_error,
            **(client_options or {}),
        }
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._cut_off = threading.Event()
        self._uncommitted: dict[tuple[str, int], int] = {}
        self._since_commit = 0

    def start(self) -> None:
        """Starts reading; returns at once."""
        if self._thread is not None:
            raise RuntimeError("this consumer was started before")
        self._thread = threading.Thread(target=self._run, name=f"consumer-{self.group}", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Lets the handler finish the event in hand, commits, and leaves the group."""
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        if self._producer is not None:
            self._producer.close()

    def wait_ready(self, timeout: float = 10.0) -> bool:
        """Whether the partitions were assigned within `timeout` seconds."""
        return self._ready.wait(timeout)

    def check(self) -> None:
        """Raises DependencyUnavailable unless events can arrive: partitions assigned, a broker in reach."""
        if self._thread is None or not self._thread.is_alive():
            raise DependencyUnavailable(f"the consumer {self.group} does not run")
        if not self._ready.is_set():
            raise DependencyUnavailable(f"the consumer {self.group} has no partitions yet")
        if self._cut_off.is_set():
            raise DependencyUnavailable(f"no broker answers the consumer {self.group}")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._read_until_stopped()
            except KafkaException as error:
                _log.warning("consumer starts over", group=self.group, reason=str(error))
                self._stopping.wait(REOPEN_SECONDS)

    def _read_until_stopped(self) -> None:
        """Opens a client and reads; KafkaException when only a new client can go on."""
        client = Consumer(self._options)
        try:
            self._attach(client)
            while not self._stopping.is_set():
                message = client.poll(0)
                if message is None:
                    self._commit(client)
                    message = client.poll(POLL_SECONDS)
                if message is not None:
                    self._take(client, [message, *(client.consume(BATCH - 1, 0) if self._batch else ())])
                elif self._cut_off.is_set():
                    self._probe(client)
            self._commit(client, wait=True)
        finally:
            self._uncommitted.clear()
            self._ready.clear()
            client.close()

    def _on_error(self, error: KafkaError) -> None:
        log_client_error(error, client=self.group)
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - a constant of the public API
            self._cut_off.set()

    def _probe(self, client: Consumer) -> None:
        """Notices that a broker is back; the client reconnects by itself, without telling."""
        try:
            client.list_topics(timeout=PROBE_SECONDS)
        except KafkaException:
            return
        self._cut_off.clear()

    def _attach(self, client: Consumer) -> None:
        if self._start_at is None:
            client.subscribe(self.topics, on_assign=self._on_assign, on_revoke=self._on_revoke)
            return
        listed = client.list_topics(timeout=5.0).topics
        client.assign(
            [
                TopicPartition(topic, partition, self._offset(topic, partition))
                for topic in self.topics
                for partition in (listed[topic].partitions if topic in listed else {})
            ]
        )
        missing = [topic for topic in self.topics if topic not in listed]
        if missing:
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, f"no topic {missing[0]}"))
        self._ready.set()

    def _offset(self, topic: str, partition: int) -> int:
        offset = self._start_at(topic, partition) if self._start_at else None
        return OFFSET_STORED if offset is None else offset

    def _on_assign(self, _client: Consumer, partitions: list[TopicPartition]) -> None:
        self._ready.set()
        _log.info("partitions assigned", group=self.group, partitions=len(partitions))

    def _on_revoke(self, client: Consumer, _partitions: list[TopicPartition]) -> None:
        self._commit(client, wait=True)

    def _take(self, client: Consumer, messages: Sequence[Message]) -> None:
        metas = [_meta(message, self.group) for message in messages if self._is_event(message)]
        for meta in self._process_all(metas):
            self._uncommitted[meta.topic, meta.partition] = meta.offset + 1
            self._since_commit += 1
        if self._since_commit >= COMMIT_EVERY:
            self._commit(client)

    def _is_event(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.fatal():
            raise KafkaException(error)
        _log.warning("Kafka consumer", group=self.group, code=error.name(), reason=error.str())
        return False

    def _commit(self, client: Consumer, *, wait: bool = False) -> None:
        """Commits what was handled; a failure only means that some events come again."""
        if not self._uncommitted:
            return
        offsets = [TopicPartition(*where, offset) for where, offset in self._uncommitted.items()]
        self._uncommitted.clear()
        self._since_commit = 0
        try:
            if wait:
                client.commit(offsets=offsets, asynchronous=False)
            else:
                client.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            _log.warning("offsets not committed", group=self.group, reason=str(error))

    def _process_all(self, metas: Sequence[MessageMeta]) -> Iterator[MessageMeta]:
        """Handles messages in their order; yields those that need not come again."""
        if self._batch is not None and len(metas) > 1 and self._process_together(metas):
            yield from metas
            return
        for meta in metas:
            if not self._process(meta):
                return
            yield meta

    def _process_together(self, metas: Sequence[MessageMeta]) -> bool:
        """Hands messages to the batch handler; False when they have to be handled one by one."""
        assert self._batch is not None
        try:
            self._batch([(self._decoded(meta), meta) for meta in metas])
        except Exception as error:  # noqa: BLE001 - one by one, the event at fault is found and dealt with
            reason = f"{type(error).__name__}: {error}"
            _log.info("events handled one by one", group=self.group, count=len(metas), reason=reason)
            return False
        for meta in metas:
            _consumed.labels(meta.topic, self.group, "handled").inc()
        return True

    def _decoded(self, meta: MessageMeta) -> EventEnvelope:
        with _span(meta):
            return codec.decode(meta.value)

    def _wanted(self, meta: MessageMeta) -> bool:
        event_type = meta.headers.get(EVENT_TYPE_HEADER)
        return not self._only or event_type is None or event_type in self._only

    def _process(self, meta: MessageMeta) -> bool:
        """Handles one message for good; False when stopped before that."""
        if not self._wanted(meta):
            return True
        with _span(meta):
            try:
                envelope = codec.decode(meta.value)
            except DecodeError as error:
                return self._bury(meta, error)
            return self._handle(envelope, meta)

    def _handle(self, envelope: EventEnvelope, meta: MessageMeta) -> bool:
        attempt = failures = 0
        while True:
            try:
                self._handler(envelope, meta)
            except UnprocessableEvent as error:
                return self._bury(meta, error)
            except Exception as error:  # noqa: BLE001 - retried, then dead-lettered: never lost
                attempt += 1
                failures += not is_transient(error)
                if failures > self._retries:
                    return self._bury(meta, error)
                _log.warning(
                    "event will be tried again",
                    group=self.group,
                    event_id=envelope.event_id,
                    event_type=envelope.event_type,
                    attempt=attempt,
                    error=f"{type(error).__name__}: {error}",
                )
                if self._stopping.wait(self._backoff.delay(attempt)):
                    return False
            else:
                _consumed.labels(meta.topic, self.group, "handled").inc()
                return True

    def _bury(self, meta: MessageMeta, error: Exception) -> bool:
        """Puts a message that cannot be handled on the dead-letter topic; False when stopped before that."""
        _log.error(
            "event dead-lettered" if self._producer else "event dropped",
            exc_info=error,
            group=self.group,
            topic=meta.topic,
            partition=meta.partition,
            offset=meta.offset,
        )
        attempt = 0
        while self._producer is not None:
            try:
                self._producer.send(DEAD_LETTERS, meta.key, meta.value, meta.dead_letter_headers(error))
                break
            except Exception as failure:  # noqa: BLE001 - the brokers are away; the message must not be lost
                attempt += 1
                _log.warning("dead letter not sent", group=self.group, reason=str(failure))
                if self._stopping.wait(self._backoff.delay(attempt)):
                    return False
        _consumed.labels(meta.topic, self.group, "dead-lettered").inc()
        return True


def _span(meta: MessageMeta) -> AbstractContextManager[Span]:
    """The span of one message, in the trace that its headers carry."""
    event_type = meta.headers.get(EVENT_TYPE_HEADER, "message")
    return span(f"consume {event_type}", kind=CONSUMER, parent=extract(meta.headers), topic=meta.topic)


def _options(settings: Settings, group: str, config: Config) -> dict[str, Any]:
    session = config.get("kafka.session_timeout_ms", int)
    return {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": settings.instance_id,
        "group.id": group,
        "enable.auto.commit": False,
        # Also where to go on when the log was lost or cut: better an event twice than never.
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": config.get("kafka.fetch_wait_max_ms", int),
        "session.timeout.ms": session,
        "heartbeat.interval.ms": session // 6,
        **CONNECTION_OPTIONS,
        "topic.metadata.refresh.interval.ms": 10_000,
        "allow.auto.create.topics": False,
    }


def _meta(message: Message, group: str) -> MessageMeta:
    kind, timestamp = message.timestamp()
    key = message.key()
    return MessageMeta(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        key=_text(key) if key is not None else None,
        headers={
            name: _text(value) for name, value in dict(message.headers() or {}).items() if value is not None
        },
        value=_bytes(message.value()),
        timestamp=-1 if kind == TIMESTAMP_NOT_AVAILABLE else timestamp,
        group=group,
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
