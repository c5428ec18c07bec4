"""Webhooks: their URLs, their signatures, and what becomes of a delivery."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from services.notifications.messages import Notification
from services.notifications.outbound import DeliveryFailed, Receipt
from services.notifications.reach import AddressRefused, AddressUnknown, Reach
from services.notifications.webhook_services import WebhookService
from services.notifications.webhooks import Webhook, content_of, destination, headers_of
from shared.errors import NotFound, ValidationFailed

pytestmark = pytest.mark.services("notifications")

NOTIFICATION = Notification(
    notification_id="n1",
    account_id="a1",
    kind="order_filled",
    title="Order filled",
    body="5 ACME at 10.5",
    order_id="o1",
    created_at="2026-11-24T15:00:00+00:00",
)


class MemoryStore:
    def __init__(self) -> None:
        self.webhooks: dict[str, Webhook] = {}
        self.noted: list = []

    def put(self, webhook: Webhook) -> None:
        self.webhooks[webhook.account_id] = webhook

    def get(self, account_id: str) -> Webhook | None:
        return self.webhooks.get(account_id)

    def remove(self, account_id: str) -> None:
        self.webhooks.pop(account_id, None)

    def note(self, _account_id: str, attempt) -> None:
        self.noted.append(attempt)


class Postman:
    """Stands for the courier: gives what it was told to, and keeps what it was given."""

    def __init__(self, outcome=None) -> None:
        self.reach = Reach(resolver=lambda *_: ["8.8.8.8"])
        self.outcome = outcome or Receipt("https://example.com", 200, "ok")
        self.sent: list = []

    def post(self, url, body, headers):
        self.sent.append((url, body, headers))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def service(postman: Postman) -> tuple[WebhookService, MemoryStore, list]:
    store, queue = MemoryStore(), []
    made = WebhookService(store, postman, queue.append)
    made.webhook_set(account_id="a1", url="https://example.com/hook")
    return made, store, queue


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "/hook",
        "ftp://example.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http://:80/",
        "http://user@example.com",
        "http://user:password@example.com",
        "http://example.com#fragment",
        "http://example.com:99999",
        "http://[::1",
        "http://exa mple.com",
        "http://example.com/\r\nX-Evil: 1",
        "http://exämple.com",
        "http://example.com/" + "x" * 500,
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """Other schemes, credentials, fragments and signs outside of ASCII are no webhook."""
    with pytest.raises(ValidationFailed) as refusal:
        destination(url)
    assert refusal.value.field == "url"


def test_a_url_leads_to_its_port() -> None:
    """Without a port, a URL leads to that of its scheme."""
    assert destination("http://example.com") == ("example.com", 80)
    assert destination("https://example.com/x?y") == ("example.com", 443)
    assert destination("https://[2606:4700::1]:8443/") == ("2606:4700::1", 8443)


def test_a_delivery_is_signed() -> None:
    """Whoever has the secret can prove that moment and body are ours; another body has another signature."""
    webhook, body = Webhook.new("a1", "https://example.com"), content_of(NOTIFICATION)
    headers = headers_of(webhook, NOTIFICATION, body, 1_700_000_000)
    mac = hmac.new(webhook.secret.encode(), b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Nexus-Signature"] == f"t=1700000000,v1={mac}"
    assert headers_of(webhook, NOTIFICATION, body + b" ", 1_700_000_000) != headers
    assert headers_of(webhook, NOTIFICATION, body, 1_700_000_001) != headers


def test_each_webhook_has_a_secret_that_is_not_shown() -> None:
    """Two webhooks never share a secret, and their text form does not hold it."""
    one, other = (Webhook.new("a1", "https://example.com") for _ in range(2))
    assert one.secret != other.secret
    assert one.secret not in repr(one)


def test_notifications_of_an_account_with_a_webhook_are_queued() -> None:
    """Accounts without one cost nothing."""
    made, store, queue = service(Postman())
    made.webhook_announce(NOTIFICATION)
    assert queue == [NOTIFICATION.as_dict()]
    store.webhooks.clear()
    made.webhook_announce(NOTIFICATION)
    assert len(queue) == 1


def test_what_was_delivered_is_noted() -> None:
    """An attempt that went well keeps the receiver's status and the beginning of its answer."""
    postman = Postman(Receipt("https://example.com", 204, "x" * 1000))
    made, store, _ = service(postman)
    made.webhook_deliver(NOTIFICATION.as_dict())
    (attempt,) = store.noted
    assert (attempt.outcome, attempt.status, attempt.detail) == ("delivered", 204, "x" * 200)
    assert attempt.delivery_id == NOTIFICATION.notification_id


@pytest.mark.parametrize(
    "outcome",
    [Receipt("https://example.com", 500, "oops"), Receipt("https://example.com", 302, ""),
     DeliveryFailed("late"), AddressUnknown("nowhere")],
)  # fmt: skip
def test_what_failed_is_noted_and_tried_again(outcome) -> None:
    """A receiver that is away or answers with an error may take the next try."""
    made, store, _ = service(Postman(outcome))
    with pytest.raises(DeliveryFailed):
        made.webhook_deliver(NOTIFICATION.as_dict())
    assert [attempt.outcome for attempt in store.noted] == ["failed"]


def test_what_was_refused_is_not_tried_again() -> None:
    """A webhook that leads inside will not lead elsewhere by waiting."""
    made, store, _ = service(Postman(AddressRefused("inside", host="x")))
    made.webhook_deliver(NOTIFICATION.as_dict())
    assert [(attempt.outcome, attempt.detail) for attempt in store.noted] == [("refused", "inside")]


def test_a_webhook_that_was_removed_gets_nothing() -> None:
    """What was still queued for it is dropped."""
    postman = Postman()
    made, store, _ = service(postman)
    made.webhook_remove(account_id="a1")
    made.webhook_deliver(NOTIFICATION.as_dict())
    assert (postman.sent, store.noted) == ([], [])
    with pytest.raises(NotFound):
        made.webhook_try(account_id="a1")


def test_an_inside_url_is_not_even_stored() -> None:
    """Where a URL leads inside at once, its owner is told so."""
    made, store, _ = service(Postman())
    made._courier.reach = Reach(resolver=lambda *_: ["127.0.0.1"])
    with pytest.raises(AddressRefused):
        made.webhook_set(account_id="a2", url="http://localhost/")
    assert "a2" not in store.webhooks
