"""What leaves the house through a webhook, and where it ends up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from support.receiver import Answer, Received, Receiver

from services.notifications.outbound import Courier, DeliveryFailed
from services.notifications.reach import AddressRefused, Reach

pytestmark = pytest.mark.services("notifications")

PERMITS = ["127.0.0.0/8:18100-18199"]


def courier(*, seconds: float = 20.0, resolver=None, **bounds: int) -> Courier:
    options = {} if resolver is None else {"resolver": resolver}
    bounds = {"max_bytes": 1000, "max_redirects": 3} | bounds
    return Courier(reach=Reach(PERMITS, **options), seconds=seconds, **bounds)


@pytest.fixture
def inside() -> Iterator[Receiver]:
    """A service of the house, on a port that webhooks may not lead to."""
    with Receiver(inside=True, answer=Answer(body=b"a secret of the house")) as receiver:
        yield receiver


def test_a_delivery_arrives_as_it_was_sent() -> None:
    """Body and headers reach the receiver, and its answer comes back."""
    with Receiver() as receiver:
        receipt = courier().post(receiver.url(), b"{}", {"X-Nexus-Event": "test"})
        assert (receipt.status, receipt.excerpt) == (200, "thank you")
        (received,) = receiver.received
    assert (received.method, received.path, received.body) == ("POST", "/hook", b"{}")
    assert received.headers["x-nexus-event"] == "test"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_an_inside_url_is_refused(inside: Receiver) -> None:
    """Nothing is sent to a port that may not be reached."""
    with pytest.raises(AddressRefused):
        courier().post(inside.url(), b"{}", {})
    assert inside.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_does_not_lead_inside(inside: Receiver, status: int) -> None:
    """A receiver that points inside is not followed there."""
    with Receiver(answer=Answer(status, {"Location": inside.url("/latest/meta-data/")})) as receiver:
        try:
            receipt = courier().post(receiver.url(), b"{}", {})
        except AddressRefused:
            receipt = None
    assert inside.received == [], f"the house was asked, and answered {receipt}"
    assert receipt is None


def test_a_second_redirect_does_not_lead_inside(inside: Receiver) -> None:
    """Each hop is looked at, not the first alone."""

    def answer(received: Received) -> Answer:
        following = "/again" if received.path == "/hook" else inside.url()
        return Answer(307, {"Location": following})

    with Receiver(answer=answer) as receiver:
        try:
            receipt = courier().post(receiver.url(), b"{}", {})
        except AddressRefused:
            receipt = None
    assert (receipt, inside.received) == (None, [])


def test_a_name_that_changes_its_address_leads_nowhere_else(inside: Receiver) -> None:
    """The connection goes to the address that was looked at, whatever the name gives a moment later."""
    # What is checked is an address at which nobody listens; the system itself leads `localhost` inside.
    elsewhere = Reach(["127.99.0.0/16:1-65535"], resolver=lambda *_: ["127.99.0.1"])
    once = Courier(reach=elsewhere, seconds=5.0, max_bytes=1000, max_redirects=0)
    try:
        receipt = once.post(inside.url(host="localhost"), b"{}", {})
    except DeliveryFailed:
        receipt = None
    assert (receipt, inside.received) == (None, []), "the name was looked up again after it was checked"


def test_a_name_is_looked_up_once_for_each_hop() -> None:
    """Nothing but the checked answer is used, so nothing needs to be asked twice."""
    asked: list[tuple[str, int]] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with Receiver() as receiver:
        with suppress(DeliveryFailed):
            courier(resolver=resolver).post(receiver.url(host="hooks.nexustrade.invalid"), b"{}", {})
        hosts = [received.headers["host"] for received in receiver.received]
    assert hosts == [f"hooks.nexustrade.invalid:{receiver.port}"], "the checked address was not used"
    assert asked == [("hooks.nexustrade.invalid", receiver.port)]


@pytest.mark.parametrize(("status", "method", "body"), [(307, "POST", b"{}"), (302, "GET", b"")])
def test_a_redirect_to_where_one_may_go_is_followed(status: int, method: str, body: bytes) -> None:
    """A receiver that has moved gets its delivery, or is fetched, as the status says."""
    answers = {"/hook": Answer(status, {"Location": "/new"})}
    with Receiver(answer=lambda received: answers.get(received.path, Answer())) as receiver:
        receipt = courier().post(receiver.url(), b"{}", {})
        assert receipt.url.endswith("/new")
        assert [(each.method, each.body) for each in receiver.received] == [("POST", b"{}"), (method, body)]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://[", "\\\\host"])
def test_a_redirect_out_of_http_fails(location: str) -> None:
    """Nothing but http and https is followed."""
    with Receiver(answer=Answer(307, {"Location": location})) as receiver, pytest.raises(DeliveryFailed):
        courier().post(receiver.url(), b"{}", {})


def test_a_ring_of_redirects_ends() -> None:
    """After so many redirects the delivery has failed."""
    with Receiver(answer=Answer(307, {"Location": "/hook"})) as receiver:
        with pytest.raises(DeliveryFailed):
            courier().post(receiver.url(), b"{}", {})
        assert len(receiver.received) == 4


def test_an_endless_answer_is_cut() -> None:
    """No more of an answer is read than its bound."""
    with Receiver(answer=Answer(body=b"x" * 2_000_000)) as receiver:
        assert courier(max_bytes=100).post(receiver.url(), b"{}", {}).excerpt == "x" * 100


def test_a_receiver_that_trickles_is_left() -> None:
    """Steps that each are quick do not add up to more than the whole may take."""
    listener = socket.create_server(("127.0.0.1", 0))
    port, ended = listener.getsockname()[1], threading.Event()

    def trickle() -> None:
        peer, _ = listener.accept()
        with peer:
            try:
                peer.sendall(b"HTTP/1.1 200 OK\r\n")
                while not ended.wait(0.05):
                    peer.sendall(b"X-A: b\r\n")
            except OSError:
                ended.set()

    thread = threading.Thread(target=trickle, daemon=True)
    thread.start()
    patient = Courier(reach=Reach([f"127.0.0.0/8:{port}"]), seconds=1.0, max_bytes=100, max_redirects=0)
    with listener, pytest.raises(DeliveryFailed):
        patient.post(f"http://127.0.0.1:{port}/", b"{}", {})
    ended.set()
    thread.join()


def test_nobody_there_is_a_failure_that_may_pass() -> None:
    """A port on which nobody listens is a failed delivery, not a refused one."""
    with Receiver() as receiver:
        url = receiver.url()
    with pytest.raises(DeliveryFailed):
        courier().post(url, b"{}", {})
