"""The topics of config/topics.yaml: their partitions, what travels on each, and by which key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from shared.config.errors import ConfigError
from shared.config.files import CONFIG_DIRECTORY, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from shared.events.types import Event

DEAD_LETTERS = "dead-letters"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic; `key` names the payload's field that keeps related events in one partition, in order."""

    name: str
    partitions: int
    key: str | None
    events: tuple[str, ...]


@cache
def load_topics(directory: Path = CONFIG_DIRECTORY) -> dict[str, Topic]:
    """All topics by name, as topics.yaml lists them; ConfigError when it is malformed."""
    section = read_yaml(directory / "topics.yaml").get("topics")
    try:
        return {
            name: Topic(name, int(spec["partitions"]), spec.get("key"), tuple(spec.get("events") or ()))
            for name, spec in section.items()  # type: ignore[union-attr]
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError("topics.yaml must map each topic to its partitions, key and events") from error


@cache
def topic_for(event_type: str) -> Topic:
    """The topic that carries an event type; ConfigError when none does."""
    for topic in load_topics().values():
        if event_type in topic.events:
            return topic
    raise ConfigError(f"no topic carries {event_type}", event_type=event_type)


def route(payload: Event) -> tuple[str, str]:
    """Topic and message key of an event."""
    topic = topic_for(type(payload).__name__)
    if topic.key is None:
        raise ConfigError(f"{topic.name} has no key", topic=topic.name)
    return topic.name, str(getattr(payload, topic.key))
