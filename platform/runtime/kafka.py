"""Looks into the topics of a running platform."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runtime.errors import NotSupported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.backends import Backend
    from runtime.infra.kafka import KafkaCluster

_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Message:
    """One record of a topic."""

    topic: str
    partition: int
    offset: int
    key: str | None
    headers: dict[str, str] = field(default_factory=dict)
    value: bytes | None = None


class TopicReader:
    """Reads without a consumer group, so that the services' own positions stay as they are."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap = bootstrap_servers

    def topics(self) -> dict[str, int]:
        """Topic → number of partitions."""
        consumer = self._consumer()
        try:
            listed = consumer.list_topics(timeout=_PATIENCE_SECONDS).topics
            return {name: len(topic.partitions) for name, topic in sorted(listed.items())}
        finally:
            consumer.close()

    def peek(self, topic: str, limit: int = 100) -> list[Message]:
        """The last `limit` messages of `topic`, oldest first by their time stamps (milliseconds).

        Partitions are merged; messages of one partition keep their order. [] for an empty topic.
        Raises KeyError when there is no such topic.
        """
        from confluent_kafka import TopicPartition

        consumer = self._consumer()
        try:
            listed = consumer.list_topics(topic, timeout=_PATIENCE_SECONDS).topics[topic]
            if listed.error is not None:
                raise KeyError(f"Kafka has no topic {topic!r}: {listed.error}")
            ends: dict[int, int] = {}
            starts = []
            for partition in listed.partitions:
                low, high = consumer.get_watermark_offsets(
                    TopicPartition(topic, partition), timeout=_PATIENCE_SECONDS
                )
                if high > low:
                    ends[partition] = high
                    starts.append(TopicPartition(topic, partition, max(low, high - limit)))
            consumer.assign(starts)
            found = _read_until(consumer, ends)
        finally:
            consumer.close()
        found.sort(key=lambda pair: pair[0])
        return [message for _, message in found][-limit:]

    def _consumer(self) -> Any:
        from confluent_kafka import Consumer

        return Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "runtime-peek",  # the library wants one; assign() never joins it
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 10,
                "log_level": 0,
            }
        )


def _read_until(consumer: Any, ends: dict[int, int]) -> list[tuple[int, Message]]:
    found: list[tuple[int, Message]] = []
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while ends and time.monotonic() < deadline:
        raw = consumer.poll(0.2)
        if raw is None:
            # Control records at the end of a partition are never handed out: its position says enough.
            for position in consumer.position(consumer.assignment()):
                if position.offset >= ends.get(position.partition, position.offset + 1):
                    ends.pop(position.partition, None)
            continue
        if raw.error():
            continue
        if raw.partition() in ends and raw.offset() >= ends[raw.partition()] - 1:
            del ends[raw.partition()]
        found.append((raw.timestamp()[1], _message(raw)))
    return found


def _message(raw: Any) -> Message:
    key = raw.key()
    return Message(
        topic=raw.topic(),
        partition=raw.partition(),
        offset=raw.offset(),
        key=key.decode("utf-8", errors="replace") if key is not None else None,
        headers={
            name: (value or b"").decode("utf-8", errors="replace") for name, value in raw.headers() or []
        },
        value=raw.value(),
    )


class KafkaHandle(TopicReader):
    """The topics of a platform, and its brokers where they can be made to fail (see `KafkaCluster`)."""

    def __init__(self, bootstrap_servers: str, backend: Backend) -> None:
        super().__init__(bootstrap_servers)
        self._backend = backend

    def _cluster(self, what: str) -> KafkaCluster:
        if self._backend.name != "embedded" or self._backend.seat is None:
            raise NotSupported(what, self._backend.name)
        from runtime.infra.kafka import KafkaCluster

        return KafkaCluster(self._backend.seat / "kafka", {})

    def broker_down(self, broker: int) -> None:
        """Cuts all connections of broker 1, 2 or 3 and refuses new ones."""
        self._cluster("Taking a broker down").broker_down(broker)

    def broker_up(self, broker: int) -> None:
        """Ends `broker_down`."""
        self._cluster("Taking a broker up").broker_up(broker)

    def broker_slow(self, broker: int, ms: int) -> None:
        """Delays every answer of a broker by `ms` milliseconds; 0 ends it."""
        self._cluster("Slowing a broker").broker_slow(broker, ms)

    def request_errors(self, api_key: int | str, errors: Sequence[int]) -> None:
        """Answers the next requests of a kind ("Produce", "Fetch", …) with these Kafka error codes."""
        self._cluster("Answering with errors").request_errors(api_key, errors)

    def set_leader(self, topic: str, partition: int, broker: int) -> None:
        """Moves the leadership of a partition to a broker."""
        self._cluster("Moving a leader").set_leader(topic, partition, broker)

    def heal(self) -> None:
        """Ends all that was done to the brokers."""
        self._cluster("Healing the brokers").heal()
