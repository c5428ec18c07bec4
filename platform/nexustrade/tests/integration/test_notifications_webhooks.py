"""Notifications that are sent to an account's own URL."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from support.client import expect
from support.receiver import Answer, Received, Receiver
from support.wait import until
from support.webhooks import path_of, set_webhook, try_webhook

pytestmark = pytest.mark.services("gateway", "users", "notifications")


def test_a_delivery_is_signed_with_the_secret_of_its_webhook(new_trader) -> None:
    """The receiver can prove by moment and body that the platform sent them."""
    trader = new_trader(cash="0")
    with Receiver() as receiver:
        secret = set_webhook(trader, receiver.url())["secret"]
        attempt = try_webhook(trader)
        (received,) = receiver.received
    assert (attempt["outcome"], attempt["status"], attempt["detail"]) == ("delivered", 200, "thank you")
    moment, mac = (part.partition("=")[2] for part in received.headers["x-nexus-signature"].split(","))
    signed = f"{moment}.".encode() + received.body
    assert mac == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert received.headers["x-nexus-delivery"] == attempt["delivery_id"]
    assert json.loads(received.body)["account_id"] == trader.account_id


@pytest.mark.services("orders", "risk")
def test_a_rejected_order_reaches_the_webhook(new_trader, new_symbol) -> None:
    """What the account is notified of is sent to its URL, with the same id."""
    trader, symbol = new_trader(limit="100"), new_symbol()
    with Receiver() as receiver:
        set_webhook(trader, receiver.url())
        expect(trader.submit(symbol, "buy", 100, "10"), 409)
        until(lambda: receiver.received, message="the notification is sent")
        sent = json.loads(receiver.received[0].body)
    listed = expect(trader.client.get(f"/v1/notifications?account_id={trader.account_id}"), 200)
    assert listed["items"] == [sent]
    assert sent["kind"] == "order_rejected"


def test_a_receiver_that_fails_is_tried_again(new_trader) -> None:
    """After an error of the receiver the same delivery comes once more, and both attempts are listed."""
    trader = new_trader(cash="0")

    def answer(_received: Received) -> Answer:
        return Answer() if len(receiver.received) > 1 else Answer(503, body=b"busy")

    with Receiver() as receiver:
        receiver.answer = answer
        set_webhook(trader, receiver.url())
        assert try_webhook(trader)["outcome"] == "failed"
        until(lambda: len(receiver.received) == 2, message="the delivery comes again")
        assert len({each.headers["x-nexus-delivery"] for each in receiver.received}) == 1

        def outcomes() -> list[str]:
            listed = expect(trader.client.get(path_of(trader, "/deliveries")), 200)["items"]
            return [attempt["outcome"] for attempt in listed]

        until(lambda: outcomes() == ["delivered", "failed"], message="both attempts are listed")


def test_a_webhook_comes_and_goes(new_trader) -> None:
    """A new URL replaces the old one and has a secret of its own; once removed, there is none."""
    trader = new_trader(cash="0")
    with Receiver() as receiver:
        first, second = set_webhook(trader, receiver.url("/a")), set_webhook(trader, receiver.url("/b"))
    assert first["secret"] != second["secret"]
    assert expect(trader.client.get(path_of(trader)), 200) == {
        "account_id": trader.account_id,
        "url": second["url"],
    }
    assert trader.client.delete(path_of(trader)).status_code == 204
    for method, rest in (("GET", ""), ("GET", "/deliveries"), ("POST", "/deliveries")):
        expect(trader.client.request(method, path_of(trader, rest)), 404)
