"""Wiring of the audit service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.django.run import run_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config import Settings
    from shared.http.lifecycle import Part


def main() -> None:
    """Serves until told to stop."""
    run_service("audit", consumers=_consumers)


def _consumers(settings: Settings) -> Sequence[Part]:
    from services.audit.consumers import on_event, on_events
    from shared.django.health import health
    from shared.events.consumer import EventConsumer
    from shared.events.topics import DEAD_LETTERS, load_topics

    # A dead letter is a message that was audited on its own topic, or one that cannot be read.
    topics = [topic for topic in load_topics() if topic != DEAD_LETTERS]
    everything = EventConsumer(settings, "audit", topics, on_event, batch=on_events)
    health.add("kafka", everything.check)
    return [everything]
