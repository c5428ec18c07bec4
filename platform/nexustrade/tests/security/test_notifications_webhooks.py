"""What a webhook can make the platform do on somebody's behalf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.client import expect
from support.receiver import Answer, Receiver
from support.webhooks import path_of, set_webhook, try_webhook

pytestmark = pytest.mark.services("gateway", "users", "notifications")

SECRET = b"a secret of the house"


@pytest.fixture
def inside() -> Iterator[Receiver]:
    """A service that only the house itself should reach."""
    with Receiver(inside=True, answer=Answer(body=SECRET)) as receiver:
        yield receiver


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_receiver_cannot_send_the_platform_inside(new_trader, inside: Receiver, status: int) -> None:
    """A redirect to an inside address is refused, and nothing of what stands there is shown."""
    trader = new_trader()
    with Receiver(answer=Answer(status, {"Location": inside.url()})) as receiver:
        set_webhook(trader, receiver.url())
        attempt = try_webhook(trader)
    assert attempt["outcome"] == "refused", attempt
    assert SECRET.decode() not in str(attempt)
    assert inside.received == []


def test_a_service_of_the_platform_is_no_receiver(platform: Any, new_trader) -> None:
    """A redirect to another service's port does not get there."""
    trader, health = new_trader(), f"{platform.url('settlement')}/health/live"
    with Receiver(answer=Answer(303, {"Location": health})) as receiver:
        set_webhook(trader, receiver.url())
        attempt = try_webhook(trader)
    assert (attempt["outcome"], attempt["status"]) == ("refused", None), attempt


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8500/v1/kv/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "https://192.168.0.1/",
        "http://0.0.0.0/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "http://user:password@example.com/",
    ],
)
def test_an_inside_url_is_refused_at_once(new_trader, url: str) -> None:
    """A URL that leads inside is refused when it is registered, and no webhook is left behind."""
    trader = new_trader(cash="0")
    expect(trader.client.put(path_of(trader), json={"url": url}), 422)
    expect(trader.client.get(path_of(trader)), 404)


def test_other_ports_of_this_machine_stay_out_of_reach(platform: Any, new_trader, inside: Receiver) -> None:
    """Neither an inside port nor a service of the platform can be registered."""
    trader = new_trader(cash="0")
    ports = [urlsplit(platform.url(name)).port for name in ("users", "settlement", "gateway")]
    for port in (inside.port, *ports):
        expect(trader.client.put(path_of(trader), json={"url": f"http://127.0.0.1:{port}/"}), 422)
    assert inside.received == []


@pytest.mark.parametrize(
    ("method", "rest"),
    [("PUT", ""), ("GET", ""), ("DELETE", ""), ("POST", "/deliveries"), ("GET", "/deliveries")],
)
def test_the_webhook_of_another_does_not_exist(new_trader, method: str, rest: str) -> None:
    """A stranger neither reads nor changes nor tries a webhook, and it stays as it was."""
    owner, stranger = new_trader(cash="0"), new_trader(cash="0")
    with Receiver() as receiver:
        set_webhook(owner, receiver.url())
        body = {"url": receiver.url("/stranger")} if method == "PUT" else None
        answer = stranger.client.request(method, path_of(owner, rest), json=body)
        assert answer.status_code in {403, 404}
        assert expect(owner.client.get(path_of(owner)), 200)["url"] == receiver.url()
        assert receiver.received == []


def test_the_secret_is_told_once_and_never_logged(platform: Any, new_trader) -> None:
    """Neither a later look at the webhook nor a log line holds what signs its deliveries."""
    trader = new_trader(cash="0")
    with Receiver() as receiver:
        secret = set_webhook(trader, receiver.url())["secret"]
        assert try_webhook(trader)["outcome"] == "delivered"
    assert secret not in trader.client.get(path_of(trader)).text
    assert secret not in trader.client.get(path_of(trader, "/deliveries")).text
    for service in ("notifications", "gateway"):
        assert not [line for line in platform.logs(service) if secret in str(line)]
