"""An account's webhook, as its owner sees it."""

from __future__ import annotations

from typing import Any

from support.client import Trader, expect
from support.wait import until


def path_of(trader: Trader, rest: str = "") -> str:
    return f"/v1/notifications/webhooks/{trader.account_id}{rest}"


def set_webhook(trader: Trader, url: str) -> dict[str, Any]:
    """Stores the webhook; returns it with its secret."""
    webhook: dict[str, Any] = expect(trader.client.put(path_of(trader), json={"url": url}), 200)
    return webhook


def try_webhook(trader: Trader) -> dict[str, Any]:
    """Sends a delivery that says nothing; returns what came of the first attempt."""
    tried = expect(trader.client.post(path_of(trader, "/deliveries")), 202)["delivery_id"]

    def attempts() -> list[dict[str, Any]]:
        listed = expect(trader.client.get(path_of(trader, "/deliveries")), 200)["items"]
        return [attempt for attempt in listed if attempt["delivery_id"] == tried]

    return until(attempts, message="the delivery was attempted")[-1]
