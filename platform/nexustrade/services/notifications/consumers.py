"""Follows what happens to orders and trades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifications.messages import NOTIFIED
from shared.events.consumer import EventConsumer

if TYPE_CHECKING:
    from services.notifications.services import NotificationService
    from shared.config import Config, Settings

GROUP = "notifications"
TOPICS = ("order-events", "settlements")


def events_consumer(settings: Settings, config: Config, service: NotificationService) -> EventConsumer:
    return EventConsumer(
        settings,
        GROUP,
        TOPICS,
        lambda envelope, _meta: service.event_notify(envelope),
        only=NOTIFIED,
        config=config,
    )
