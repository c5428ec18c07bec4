from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from support.burst import in_flight
from support.calls import client_of
from support.stand_in import StandIn
from support.wait import under_way, until

from shared.clients import AsyncBulkhead, BreakerConfig, Bulkhead, CircuitBreaker, NoRoom
from shared.clients.breaker import State
from shared.clients.counts import REFUSED, UNDER_WAY

pytestmark = pytest.mark.services("gateway", "orders")

PATIENT = 60.0  # seconds; longer than any test takes


def held(bulkhead: Bulkhead, places: int) -> ExitStack:
    """So many places, taken until the block ends."""
    stack = ExitStack()
    for _ in range(places):
        stack.enter_context(bulkhead.place(PATIENT))
    return stack


def test_a_bulkhead_refuses_whoever_finds_no_place() -> None:
    """Two places hold two calls; the third is told when to come back."""
    bulkhead = Bulkhead("risk", 2, wait=0.01)
    with held(bulkhead, 2), pytest.raises(NoRoom) as refusal, bulkhead.place(PATIENT):
        pass
    assert refusal.value.fields == {"target": "risk", "retry_after": 0.01}
    assert refusal.value.status == 503


def test_a_bulkhead_has_its_places_back_whatever_became_of_the_calls() -> None:
    """A call that failed gives its place back like one that was answered."""
    bulkhead = Bulkhead("risk", 1, wait=0.0)
    for _ in range(3):
        with pytest.raises(LookupError), bulkhead.place(PATIENT):
            raise LookupError
    with bulkhead.place(PATIENT):
        pass


def test_a_bulkhead_lets_a_waiting_call_in_when_a_place_is_free() -> None:
    """A short line is no reason to refuse."""
    bulkhead = Bulkhead("risk", 1, wait=PATIENT)
    inside = threading.Event()

    def call() -> None:
        with bulkhead.place(PATIENT):
            inside.set()

    with held(bulkhead, 1) as first, in_flight([call]) as calls:
        assert not inside.is_set()
        first.close()
        calls[0].result()
    assert inside.is_set()


def test_a_bulkhead_does_not_keep_a_caller_longer_than_he_has_time() -> None:
    """A caller whose own time is over is refused at once, however long others may wait."""
    bulkhead = Bulkhead("risk", 1, wait=PATIENT)
    with held(bulkhead, 1), pytest.raises(NoRoom), bulkhead.place(-1.0):
        pass


def test_a_bulkhead_counts_what_it_holds_and_what_it_refuses() -> None:
    """The gauge goes up and down with the places, the counter up with each refusal."""
    bulkhead = Bulkhead("counted", 2, wait=0.0)
    gauge, counter = UNDER_WAY.labels("counted"), REFUSED.labels("counted", "no-room")
    before = counter._value.get()
    with held(bulkhead, 2):
        assert gauge._value.get() == 2
        with pytest.raises(NoRoom), bulkhead.place(PATIENT):
            pass
    assert gauge._value.get() == 0
    assert counter._value.get() - before == 1


def scene(play: Callable[[AsyncBulkhead], Any], places: int, wait: float) -> None:
    async def run() -> None:
        await play(AsyncBulkhead("risk", places, wait=wait))

    asyncio.run(run())


async def stay(bulkhead: AsyncBulkhead, leave: asyncio.Event) -> None:
    async with bulkhead.place(PATIENT):
        await leave.wait()


def test_an_asynchronous_bulkhead_refuses_and_recovers() -> None:
    """While every place is taken a further call is refused; afterwards one gets in."""

    async def play(bulkhead: AsyncBulkhead) -> None:
        leave = asyncio.Event()
        stays = await under_way(*(stay(bulkhead, leave) for _ in range(3)))
        with pytest.raises(NoRoom):
            await stay(bulkhead, leave)
        leave.set()
        await asyncio.gather(*stays)
        await stay(bulkhead, leave)

    scene(play, 3, 0.01)


def test_a_caller_who_gives_up_waiting_takes_no_place_with_him() -> None:
    """After a cancelled wait, all the places are there for others."""

    async def play(bulkhead: AsyncBulkhead) -> None:
        leave = asyncio.Event()
        [first] = await under_way(stay(bulkhead, leave))
        [second] = await under_way(stay(bulkhead, leave))
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        leave.set()
        await first
        for _ in range(3):
            await asyncio.wait_for(stay(bulkhead, leave), PATIENT)

    scene(play, 1, PATIENT)


def test_a_call_without_a_place_says_nothing_about_the_service() -> None:
    """Refused calls do not open the breaker, and the service never hears of them."""
    breaker = CircuitBreaker("risk", BreakerConfig(minimum_calls=2))
    with (
        StandIn("risk") as risk,
        client_of("risk", risk.instance, breaker=breaker, bulkhead=Bulkhead("risk", 1, wait=0.0)) as client,
    ):
        risk.gate.clear()
        with in_flight([partial(client.request, "GET", "/v1/limits")]) as calls:
            until(lambda: risk.asked, message="the first call is under way")
            for _ in range(5):
                with pytest.raises(NoRoom):
                    client.request("GET", "/v1/limits")
            risk.gate.set()
            assert calls[0].result().status_code == 200
        assert len(risk.asked) == 1
        assert breaker.state is State.CLOSED
