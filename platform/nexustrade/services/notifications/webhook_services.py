"""The use cases of webhooks: set, remove, try out, deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.notifications.messages import Notification
from services.notifications.outbound import DeliveryFailed
from services.notifications.reach import AddressRefused, AddressUnknown
from services.notifications.webhooks import Attempt, Webhook, content_of, destination, headers_of
from shared.clock import now, wall_time
from shared.errors import NotFound
from shared.ids import new_id
from shared.observability import bound, get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.notifications.outbound import Courier, Receipt
    from services.notifications.webhook_store import WebhookStore

log = get_logger(__name__)

EXCERPT = 200  # characters of an answer that are kept for the account holder to read


class WebhookService:
    """`enqueue(fields)` puts the delivery of one notification on the webhooks' own queue."""

    def __init__(
        self, store: WebhookStore, courier: Courier, enqueue: Callable[[dict[str, Any]], object]
    ) -> None:
        self._store = store
        self._courier = courier
        self._enqueue = enqueue

    def webhook_set(self, *, account_id: str, url: str) -> Webhook:
        """Store a webhook, with a new secret. ValidationFailed, AddressRefused.

        A name that does not resolve now is taken: it is looked up again for every delivery.
        """
        webhook = Webhook.new(account_id, url)
        try:
            self._courier.reach.addresses(*destination(url))
        except AddressUnknown:
            log.info("webhook_unresolved", account_id=account_id)
        self._store.put(webhook)
        return webhook

    def webhook_get(self, *, account_id: str) -> Webhook:
        """The account's webhook; NotFound without one."""
        webhook = self._store.get(account_id)
        if webhook is None:
            raise NotFound("the account has no webhook", account_id=account_id)
        return webhook

    def webhook_remove(self, *, account_id: str) -> None:
        self._store.remove(account_id)

    def webhook_try(self, *, account_id: str) -> str:
        """Queue a delivery that says nothing but that it works; returns its id."""
        self.webhook_get(account_id=account_id)
        notification = Notification(
            notification_id=new_id(),
            account_id=account_id,
            kind="test",
            title="Test",
            body="This webhook works.",
            order_id=None,
            created_at=now().isoformat(),
        )
        self._enqueue(notification.as_dict())
        return notification.notification_id

    def webhook_announce(self, notification: Notification) -> None:
        """Queue the delivery of a notification whose account has a webhook."""
        if self._store.get(notification.account_id) is not None:
            self._enqueue(notification.as_dict())

    def webhook_deliver(self, fields: Mapping[str, Any]) -> None:
        """Try once and keep what came of it. DeliveryFailed when another try may go better."""
        notification = Notification.from_dict(fields)
        webhook = self._store.get(notification.account_id)
        if webhook is None:
            return
        with bound(account_id=notification.account_id, delivery_id=notification.notification_id):
            try:
                receipt = self._send(webhook, notification)
            except AddressRefused as refusal:
                self._note(notification, "refused", detail=refusal.message)
            except (DeliveryFailed, AddressUnknown) as failure:
                self._note(notification, "failed", detail=failure.message)
                raise DeliveryFailed(failure.message) from failure
            else:
                self._note(notification, "delivered", receipt.status, receipt.excerpt[:EXCERPT])

    def attempts_list(self, *, account_id: str) -> list[Attempt]:
        """The latest attempts; NotFound when the account has no webhook."""
        self.webhook_get(account_id=account_id)
        return self._store.attempts(account_id)

    def _send(self, webhook: Webhook, notification: Notification) -> Receipt:
        body = content_of(notification)
        headers = headers_of(webhook, notification, body, int(wall_time()))
        receipt = self._courier.post(webhook.url, body, headers)
        if receipt.status >= 300:
            raise DeliveryFailed(f"{receipt.status}: {receipt.excerpt[:EXCERPT]}")
        return receipt

    def _note(
        self, notification: Notification, outcome: str, status: int | None = None, detail: str = ""
    ) -> None:
        attempt = Attempt(
            delivery_id=notification.notification_id,
            kind=notification.kind,
            attempted_at=now().isoformat(),
            outcome=outcome,
            status=status,
            detail=detail,
        )
        self._store.note(notification.account_id, attempt)
        log.info("webhook_attempted", outcome=outcome, status=status, kind_of_notification=notification.kind)
