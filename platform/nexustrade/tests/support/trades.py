"""Executions as matching tells them, and the events of orders as Kafka holds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.config import Settings
from shared.events import EventEnvelope, codec, route
from shared.events.producer import EventProducer
from support.wait import until

PEEKED = 1_000_000


@contextmanager
def producer_of(platform: Any, service: str) -> Iterator[EventProducer]:
    """Publishes to the platform's brokers the way `service` does."""
    producer = EventProducer(Settings.from_mapping(platform.environment(service)))
    try:
        yield producer
    finally:
        producer.close()


def publish(platform: Any, *envelopes: EventEnvelope) -> None:
    """Puts executions on their topic, as the matching service would."""
    with producer_of(platform, "matching") as producer:
        for envelope in envelopes:
            producer.publish(*route(envelope.payload), envelope)


def events_of(platform: Any, topic: str, *order_ids: str) -> list[EventEnvelope]:
    """The events on `topic` about any of the orders, in the order of the topic."""
    envelopes = (codec.decode(message.value) for message in platform.kafka.peek(topic, PEEKED))
    return [envelope for envelope in envelopes if _orders_in(envelope.payload) & set(order_ids)]


def trade_between(platform: Any, buy_order_id: str, sell_order_id: str) -> EventEnvelope:
    """The trade of two orders, once matching has published it."""

    def found() -> list[EventEnvelope]:
        events = events_of(platform, "executions", buy_order_id)
        return [each for each in events if sell_order_id in _orders_in(each.payload)]

    return until(found, message="the trade is published")[0]


def fills_of(platform: Any, *order_ids: str) -> list[dict[str, Any]]:
    """What orders has booked on the orders."""
    return platform.sql(
        "orders_db",
        "SELECT order_id, trade_id, quantity, price FROM orders_fill WHERE order_id = ANY(%s) ORDER BY id",
        (list(order_ids),),
    )


def _orders_in(payload: Any) -> set[str]:
    names = ("order_id", "buy_order_id", "sell_order_id")
    return {getattr(payload, name) for name in names if hasattr(payload, name)}
