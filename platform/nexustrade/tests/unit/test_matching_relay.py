"""The relay from the outbox of matching to Kafka, over a store that lives in memory."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from support.matching_bench import Bench, submit

from services.matching.errors import Fenced
from services.matching.relay import Relay
from shared.events.codec import decode
from shared.events.errors import PublishError

pytestmark = pytest.mark.services("matching")


@pytest.fixture
def bench():
    return Bench()


class Broker:
    """Takes messages, or fails the next `failures` of them."""

    def __init__(self, failures=0):
        self.failures, self.taken = failures, []

    def send(self, _topic, key, value, _headers, *, wait=True):
        assert not wait
        future: Future = Future()
        if self.failures:
            self.failures -= 1
            future.set_exception(PublishError("away"))
        else:
            self.taken.append((key, decode(value).sequence))
            future.set_result(None)
        return future

    def result(self, future):
        return future.result()


def test_the_relay_publishes_in_order_and_then_forgets(bench):
    """Messages go out under their symbol in the order of their numbers and leave the outbox."""
    for number in range(4):
        bench.send(submit(f"s{number}", "sell", "1", str(10 + number)))
    broker = Broker()
    assert Relay(bench.store, broker, epoch=lambda: 1).drain("ACME", 1) == 4
    assert broker.taken == [("ACME", 1), ("ACME", 2), ("ACME", 3), ("ACME", 4)]
    assert bench.store.messages["ACME"] == []


def test_the_relay_keeps_what_the_broker_did_not_take(bench):
    """Nothing leaves the outbox before it was acknowledged; the next attempt sends it."""
    bench.send(submit("s1", "sell", "1", "10"))
    broker = Broker(failures=1)
    relay = Relay(bench.store, broker, epoch=lambda: 1)
    with pytest.raises(PublishError):
        relay.drain("ACME", 1)
    assert len(bench.store.messages["ACME"]) == 1
    relay.drain("ACME", 1)
    assert broker.taken == [("ACME", 1)]


def test_an_overtaken_relay_takes_nothing_from_its_successors_outbox(bench):
    """A relay of an old epoch cannot drop messages that its successor has still to publish."""
    bench.send(submit("s1", "sell", "1", "10"))
    successor = Bench(bench.store, epoch=2)
    with pytest.raises(Fenced):
        Relay(bench.store, Broker(), epoch=lambda: 1).drain("ACME", 1)
    assert len(successor.published()) == 1
