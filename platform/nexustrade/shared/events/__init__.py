"""Events: what they are (`types`), how they travel (`codec`, `topics`), who sends and reads them.

`producer` and `consumer` are imported by name where they are needed: they load the Kafka client.
"""

from shared.events.envelope import EventEnvelope, envelope_for
from shared.events.errors import DecodeError, EncodeError, EventError, PublishError, UnknownTopicError
from shared.events.topics import Topic, load_topics, route, topic_for

__all__ = [
    "DecodeError",
    "EncodeError",
    "EventEnvelope",
    "EventError",
    "PublishError",
    "Topic",
    "UnknownTopicError",
    "envelope_for",
    "load_topics",
    "route",
    "topic_for",
]
