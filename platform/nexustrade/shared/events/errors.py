"""Errors of the event layer.

EventError
├── EncodeError         an event that the wire format cannot carry
├── DecodeError         bytes that are no event this code knows
├── UnprocessableEvent  an event that no later attempt can take either
├── UnknownTopicError   a topic that the brokers do not list
└── PublishError        the brokers did not take a message (503)
"""

from __future__ import annotations

from shared.errors import NexusError


class EventError(NexusError):
    problem_type = "event-error"
    title = "Event error"


class EncodeError(EventError):
    pass


class DecodeError(EventError):
    pass


class UnprocessableEvent(EventError):
    """Raised by a handler: the event contradicts what is known for good, so it is put aside at once.

    Attempts that cannot succeed would only hold up the events behind it.
    """


class UnknownTopicError(EventError):
    def __init__(self, topic: str) -> None:
        super().__init__(f"the brokers have no topic {topic}", topic=topic)
        self.topic = topic


class PublishError(EventError):
    status = 503
    problem_type = "dependency-unavailable"
    title = "A dependency is unavailable"
