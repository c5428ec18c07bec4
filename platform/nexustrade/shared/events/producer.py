"""Publishing events to Kafka.

The client is idempotent and waits for all in-sync replicas: a message that was reported as delivered is there
once, and messages of one producer keep their order within a partition. The client and its thread start with
the first message, so an EventProducer may be made anywhere.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException, Producer

from shared import clock
from shared.config.files import Config, load_config
from shared.events import codec
from shared.events.errors import PublishError, UnknownTopicError
from shared.events.kafka import CONNECTION_OPTIONS, log_client_error
from shared.observability import counter, get_logger, inject, span
from shared.observability.tracing import PRODUCER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confluent_kafka import Message

    from shared.config.settings import Settings
    from shared.events.envelope import EventEnvelope

    Headers = list[tuple[str, str | bytes | None]]

EVENT_TYPE_HEADER = "event-type"
METADATA_TIMEOUT = 5.0  # seconds
_UNKNOWN_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)  # noqa: SLF001

_log = get_logger(__name__)
_published = counter("events_published_total", "Messages handed to Kafka", ("topic", "outcome"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where an acknowledged message lies."""

    topic: str
    partition: int
    offset: int


class EventProducer:
    """Sends events; one per process is enough, all methods may be called from any thread.

    `delivery_timeout` (seconds) bounds how long a message is tried before it counts as failed.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        config: Config | None = None,
        delivery_timeout: float = 10.0,
        client_options: Mapping[str, Any] | None = None,
    ) -> None:
        config = config or load_config(settings.env)
        self._delivery_timeout = delivery_timeout
        self._options = {
            "bootstrap.servers": settings.kafka_bootstrap_servers,
            "client.id": settings.instance_id,
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": config.get("kafka.linger_ms", int),
            "message.timeout.ms": int(delivery_timeout * 1000),
            **CONNECTION_OPTIONS,
            **(client_options or {}),
        }
        self._lock = threading.Lock()
        self._connection: _Connection | None = None
        self._topics: frozenset[str] = frozenset()

    def publish(
        self,
        topic: str,
        key: str,
        envelope: EventEnvelope,
        *,
        headers: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Future[Delivery]:
        """Sends one event in the current trace, or that of `headers`; see `send` for the rest."""
        value = codec.encode(envelope)
        with span(f"publish {envelope.event_type}", kind=PRODUCER, topic=topic):
            carried = {EVENT_TYPE_HEADER: envelope.event_type, **(headers or inject({}))}
            return self.send(topic, key, value, carried, wait=wait)

    def send(
        self, topic: str, key: str | None, value: bytes, headers: Mapping[str, str], *, wait: bool = True
    ) -> Future[Delivery]:
        """Sends encoded bytes; with `wait`, returns once the brokers have acknowledged them.

        Without, the future tells later: send many, then await all of them. UnknownTopicError when the brokers
        do not list the topic; PublishError when they cannot be reached or did not acknowledge in time.
        """
        self._require_topic(topic)
        future: Future[Delivery] = Future()
        pairs: Headers = [(name, text.encode()) for name, text in headers.items()]
        self._connect().produce(topic, key, value, pairs, future, self._delivery_timeout)
        if wait:
            self.result(future)
        return future

    def result(self, future: Future[Delivery]) -> Delivery:
        """The outcome of an asynchronous `publish`, waited for; raises what went wrong with it."""
        try:
            # The client reports every message within its own time-out; the margin is for a starved machine.
            return future.result(self._delivery_timeout + 5.0)
        except FutureTimeout:
            raise PublishError("the Kafka client did not report in time") from None

    def flush(self, timeout: float = 10.0) -> None:
        """Waits until everything sent has been reported; PublishError when `timeout` (seconds) runs out."""
        connection = self._connection
        if connection is not None and (left := connection.flush(timeout)):
            raise PublishError(f"{left} messages are still unacknowledged", left=left)

    def check(self) -> None:
        """Raises PublishError unless a broker answers; for readiness."""
        self._list_topics(timeout=1.0)

    def close(self, timeout: float = 5.0) -> None:
        """Sends what is left and ends; what the brokers do not take within `timeout` seconds is logged."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None and (left := connection.close(timeout)):
            _log.error("messages lost at shutdown", count=left)

    def _connect(self) -> _Connection:
        with self._lock:
            if self._connection is not None and self._connection.fatal:
                # After a fatal error an idempotent client refuses all work; only a new one helps.
                self._connection.close(0)
                self._connection = None
            if self._connection is None:
                self._connection = _Connection(self._options)
            return self._connection

    def _require_topic(self, topic: str) -> None:
        if topic not in self._topics and topic not in self._list_topics(METADATA_TIMEOUT):
            raise UnknownTopicError(topic)

    def _list_topics(self, timeout: float) -> frozenset[str]:
        # The whole list is asked for: asking for one topic may make a broker create it.
        try:
            listed = self._connect().producer.list_topics(timeout=timeout).topics
        except KafkaException as error:
            raise PublishError(f"Kafka does not answer: {_text(error)}") from error
        self._topics = frozenset(listed)
        return self._topics


class _Connection:
    """One client and the thread that serves its delivery reports."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.fatal = False
        self._closing = threading.Event()
        self.producer = Producer({**options, "error_cb": self._on_error})
        self._thread = threading.Thread(target=self._serve, name="kafka-producer", daemon=True)
        self._thread.start()

    def produce(
        self,
        topic: str,
        key: str | None,
        value: bytes,
        headers: Headers,
        future: Future[Delivery],
        timeout: float,
    ) -> None:
        def report(error: KafkaError | None, message: Message) -> None:
            _published.labels(topic, "failed" if error else "acknowledged").inc()
            if error is not None:
                self.fatal = self.fatal or error.fatal()
                future.set_exception(_failure(topic, error))
            else:
                future.set_result(Delivery(topic, message.partition() or 0, message.offset() or 0))

        give_up = clock.monotonic() + timeout
        while True:
            try:
                self.producer.produce(topic, value, key, headers=headers, on_delivery=report)
                return
            except BufferError:  # the local queue is full; the thread empties it
                if clock.monotonic() > give_up:
                    raise PublishError("the local queue of unsent messages is full", topic=topic) from None
                self.producer.flush(0.05)
            except KafkaException as error:
                self.fatal = self.fatal or error.args[0].fatal()
                raise _failure(topic, error.args[0]) from error

    def flush(self, timeout: float) -> int:
        return self.producer.flush(timeout)

    def close(self, timeout: float) -> int:
        left = self.producer.flush(timeout)
        if left:
            self.producer.purge()
            self.producer.flush(0.5)
        self._closing.set()
        self._thread.join(1.0)
        return left

    def _serve(self) -> None:
        while not self._closing.is_set():
            self.producer.poll(0.2)

    def _on_error(self, error: KafkaError) -> None:
        self.fatal = self.fatal or error.fatal()
        log_client_error(error, client="producer")


def _failure(topic: str, error: KafkaError) -> PublishError | UnknownTopicError:
    if error.code() in _UNKNOWN_TOPIC:
        return UnknownTopicError(topic)
    return PublishError(f"{topic}: {error.str()}", topic=topic, code=error.name())


def _text(error: KafkaException) -> str:
    return str(error.args[0].str()) if error.args else str(error)
