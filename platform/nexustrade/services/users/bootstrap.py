"""Puts users together from the environment, and runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.django import run_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config import Settings
    from shared.http.lifecycle import Part


def main() -> None:
    """Runs until it is told to stop."""
    run_service("users", background=_background)


def _background(settings: Settings) -> Sequence[Part]:
    from services.users.models import UsersOutbox
    from shared.django import OutboxRelay
    from shared.django.health import health
    from shared.events.producer import EventProducer

    producer = EventProducer(settings)
    health.add("kafka", producer.check)
    return [OutboxRelay(UsersOutbox, producer)]
