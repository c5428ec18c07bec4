"""Webhooks: where an account wants its notifications sent, and what became of each delivery."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.errors import ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.notifications.messages import Notification

MAX_URL = 500
SCHEMES = ("http", "https")
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The URL of an account and the secret that its deliveries are signed with."""

    account_id: str
    url: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls, account_id: str, url: str) -> Webhook:
        """With a secret of its own; ValidationFailed for a URL that is none of HTTP."""
        destination(url)
        return cls(account_id=account_id, url=url, secret=secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to deliver; `outcome` is delivered, failed or refused, `status` what the receiver answered."""

    delivery_id: str
    kind: str
    attempted_at: str
    outcome: str
    status: int | None = None
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Attempt:
        return cls(**fields)


def destination(url: str) -> tuple[str, int]:
    """Host and port of a webhook's URL; ValidationFailed says what is wrong with it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValidationFailed("not a URL", field="url") from error
    if parts.scheme not in SCHEMES or not host:
        raise ValidationFailed("must be an http or https URL", field="url")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValidationFailed("must have neither credentials nor a fragment", field="url")
    if len(url) > MAX_URL or not all("!" <= letter <= "~" for letter in url):
        raise ValidationFailed("must be printable ASCII of at most 500 characters", field="url")
    return host, PORTS[parts.scheme] if port is None else port


def content_of(notification: Notification) -> bytes:
    """The body of a delivery."""
    return json.dumps(notification.as_dict(), separators=(",", ":")).encode()


def headers_of(webhook: Webhook, notification: Notification, body: bytes, moment: int) -> dict[str, str]:
    """The headers of a delivery. `X-Nexus-Delivery` is the same whenever the delivery is repeated."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "nexustrade-webhooks/1",
        "X-Nexus-Delivery": notification.notification_id,
        "X-Nexus-Event": notification.kind,
        "X-Nexus-Signature": signature(webhook.secret, body, moment),
    }


def signature(secret: str, body: bytes, moment: int) -> str:
    """`t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">`: receivers check both, and refuse what is old."""
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={mac.hexdigest()}"
