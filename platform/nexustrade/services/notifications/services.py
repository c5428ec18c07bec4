"""The use cases of notifications: pass an event on, deliver a notification, list them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.notifications.messages import Notification, notifications_of
from shared.observability import bound, counter, get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.notifications.store import NotificationStore
    from shared.events import EventEnvelope

log = get_logger(__name__)
DELIVERED = counter("notifications_delivered_total", "Notifications stored for an account", ("kind",))


class NotificationService:
    """`enqueue(fields)` puts the delivery of one notification on the task queue.

    `announce` is told of each that is delivered, once more when its delivery is repeated.
    """

    def __init__(
        self,
        store: NotificationStore,
        enqueue: Callable[[dict[str, Any]], object],
        announce: Callable[[Notification], object] = lambda _notification: None,
    ) -> None:
        self._store = store
        self._enqueue = enqueue
        self._announce = announce

    def event_notify(self, envelope: EventEnvelope) -> None:
        """Queue a delivery for everyone whom the event concerns."""
        for notification in notifications_of(envelope):
            self._enqueue(notification.as_dict())

    def notification_deliver(self, fields: Mapping[str, Any]) -> bool:
        """Store a notification once; False when it had been delivered before."""
        notification = Notification.from_dict(fields)
        added = self._store.add(notification)
        with bound(account_id=notification.account_id, order_id=notification.order_id):
            log.info("notification_delivered" if added else "notification_repeated", kind=notification.kind)
        if added:
            DELIVERED.labels(notification.kind).inc()
        # Also when it was stored before: the worker that stored it may have ended before it told anybody.
        self._announce(notification)
        return added

    def notifications_list(self, *, account_id: str, limit: int) -> list[Notification]:
        return self._store.latest(account_id, limit)
