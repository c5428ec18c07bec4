"""What calls between services cost when one of them is dead, gone, slow or asked for the same thing again."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

import pytest
from support.burst import all_at_once, in_flight
from support.calls import SETTINGS, client_of, never_open
from support.stand_in import Asked, Reply, StandIn
from support.wait import under_way, until

from services.gateway.clients import make_clients
from services.gateway.coalescing import Coalescer, ReadKey
from shared.clients import (
    BreakerConfig,
    Bulkhead,
    CircuitBreaker,
    CircuitOpen,
    ConsulDiscovery,
    Deadline,
    NoRoom,
    RetryPolicy,
    StaticDiscovery,
)
from shared.clients.blocking import BlockingTransport
from shared.config import load_config
from shared.errors import DeadlineExceeded, NexusError
from shared.security import Identity

pytestmark = pytest.mark.services("gateway", "orders", "risk", "users")

CALLS = 100
ONCE = RetryPolicy(attempts=1)


def test_a_service_that_fails_is_left_alone_after_ten_calls() -> None:
    """A hundred callers of a service that answers nothing but 500 cost it ten calls."""
    refused = 0
    # A window that no machine is too slow for.
    breaker = CircuitBreaker("risk", BreakerConfig(window=600.0, recovery=600.0))
    with (
        StandIn.answering("risk", 500) as risk,
        client_of("risk", risk.instance, breaker=breaker, retry=ONCE) as client,
    ):
        for _ in range(CALLS):
            try:
                assert client.request("GET", "/v1/limits").status_code == 500
            except CircuitOpen:
                refused += 1
        assert (len(risk.asked), refused) == (10, CALLS - 10)


def test_time_lost_on_a_silent_service_does_not_grow_with_the_callers() -> None:
    """Of forty callers, one after the other, of a service that never answers, four wait for a time-out."""
    waited = 0
    breaker = CircuitBreaker("risk", BreakerConfig(window=600.0, minimum_calls=4, recovery=600.0))
    with (
        StandIn("risk") as risk,
        client_of("risk", risk.instance, breaker=breaker, retry=ONCE, timeout=0.05) as client,
    ):
        risk.gate.clear()
        for _ in range(40):
            try:
                client.request("GET", "/v1/limits")
            except DeadlineExceeded:
                waited += 1
            except CircuitOpen:
                pass
        assert waited == 4


def test_a_dead_instance_costs_one_failed_connection() -> None:
    """With one of two instances dead, a hundred calls are answered, and one of them was in vain."""
    with StandIn("risk") as dead, StandIn("risk") as alive:
        dead.close()
        listed = [dead.instance, alive.instance]
        discovery = ConsulDiscovery(lambda _service: listed, ttl=600.0, quarantine=600.0)
        failures: list[str] = []

        def evict(service: str, instance: Any) -> None:
            failures.append(instance.id)
            ConsulDiscovery.evict(discovery, service, instance)

        discovery.evict = evict  # type: ignore[method-assign]
        with client_of("risk", discovery=discovery, breaker=never_open("risk")) as client:
            assert [status_of(client, "POST") for _ in range(CALLS)] == [200] * CALLS
        assert len(alive.asked) == CALLS
        assert failures == [dead.instance.id]


def test_an_instance_that_left_the_catalogue_gets_no_call() -> None:
    """Of a hundred calls after an instance was deregistered, none goes to it, though it would answer."""
    with StandIn("risk") as old, StandIn("risk") as new:
        listed = [old.instance, new.instance]
        discovery = ConsulDiscovery(lambda _service: list(listed), ttl=0.0)
        with client_of("risk", discovery=discovery) as client:
            for _ in range(4):
                client.request("GET", "/v1/limits")
            assert old.asked
            listed.remove(old.instance)
            before = len(old.asked)
            for _ in range(CALLS):
                client.request("GET", "/v1/limits")
        assert len(old.asked) == before
        assert len(new.asked) >= CALLS


def test_a_burst_opens_no_more_connections_than_the_transport_allows() -> None:
    """Thirty calls at once over four connections open four, and all are answered."""
    with (
        StandIn("risk") as risk,
        client_of("risk", risk.instance, transport=BlockingTransport(max_connections=4)) as client,
    ):
        answers = all_at_once([partial(client.request, "GET", "/v1/limits")] * 30)
        assert [each.status_code for each in answers] == [200] * 30
        assert risk.connections <= 4


def test_a_chain_of_hops_shares_one_deadline() -> None:
    """Each of twenty requests has the very moment of its caller at the last of three hops."""
    with (
        StandIn("orders") as orders,
        StandIn("risk") as risk,
        StandIn("users") as users,
        client_of("risk", risk.instance, timeout=600.0) as to_risk,
        client_of("users", users.instance, timeout=600.0) as to_users,
        client_of("orders", orders.instance, timeout=600.0) as to_orders,
    ):
        orders.reply = partial(handed_on, to_risk)
        risk.reply = partial(handed_on, to_users)
        for seconds in range(60, 80):
            deadline = Deadline.after(float(seconds))
            with deadline.active():
                assert to_orders.request("GET", "/v1/things").status_code == 200
            assert users.asked[-1].headers["x-request-deadline"] == deadline.header()


def test_nothing_is_asked_for_callers_who_have_given_up() -> None:
    """Of twenty requests whose time runs out at the second hop, none goes on to the third."""
    deadline = Deadline.after(0.3)
    with (
        StandIn("risk") as risk,
        StandIn("users") as users,
        client_of("risk", risk.instance, retry=ONCE, breaker=never_open("risk")) as to_risk,
        client_of("users", users.instance) as to_users,
    ):

        def late(asked: Asked) -> Reply:
            until(lambda: deadline.expired, message="the callers' time is over")
            return handed_on(to_users, asked)

        def call() -> int:
            with deadline.active():
                return status_of(to_risk)

        risk.reply = late
        assert all_at_once([call] * 20) == [504] * 20
        assert users.asked == []


def status_of(client: Any, method: str = "GET", path: str = "/v1/limits") -> int:
    """The status of an answer, or of the error that stands for there being none."""
    try:
        status: int = client.request(method, path).status_code
    except NexusError as error:
        return error.status
    return status


def handed_on(client: Any, asked: Asked) -> Reply:
    """What a service answers that asks the next one, as the deadline of its request allows."""
    deadline = Deadline.parse(asked.headers["x-request-deadline"])
    assert deadline is not None
    with deadline.active():
        return Reply(status_of(client, path=asked.path))


def test_equal_reads_cost_one_call_for_each_caller() -> None:
    """Of two hundred equal reads of ten callers, ten are made."""
    calls = 0

    async def scene() -> list[str]:
        nonlocal calls
        coalescer = Coalescer[str]()
        open_ = asyncio.Event()

        async def call(subject: str) -> str:
            nonlocal calls
            calls += 1
            await open_.wait()
            return subject

        def read(subject: str) -> Any:
            key = ReadKey.of(Identity(subject, tenant="retail", roles=("trader",)), "/v1/accounts")
            return coalescer.fetch(key, lambda: call(subject))

        reads = await under_way(*(read(f"u-{n % 10}") for n in range(200)))
        open_.set()
        return list(await asyncio.gather(*reads))

    assert asyncio.run(scene()) == [f"u-{n % 10}" for n in range(200)]
    assert calls == 10


def test_a_slow_service_does_not_slow_the_others() -> None:
    """The median call of one service takes no ten times as long while all places of another are taken."""
    variables = {"NEXUS__GATEWAY__BULKHEAD__PLACES": "4", "NEXUS__GATEWAY__BULKHEAD__WAIT_SECONDS": "0.5"}

    async def median(client: Any) -> float:
        seconds = []
        for _ in range(41):
            begin = time.perf_counter()
            try:
                assert (await client.request("GET", "/v1/limits")).status_code == 200
            except NexusError as refusal:
                pytest.fail(f"risk was not asked: {refusal}")
            seconds.append(time.perf_counter() - begin)
        return sorted(seconds)[20]

    async def scene() -> float:
        discovery = StaticDiscovery({each.service: [each.instance] for each in (slow, risk)})
        config = load_config("test", environ=variables)
        clients = make_clients(("notifications", "risk"), SETTINGS, discovery, config)
        idle = await median(clients["risk"])
        stuck = [
            asyncio.ensure_future(clients["notifications"].request("GET", "/v1/notifications", timeout=60.0))
            for _ in range(4)
        ]
        try:
            await asyncio.to_thread(until, lambda: len(slow.asked) == 4, message="four calls hang")
            return await median(clients["risk"]) / idle
        finally:
            slow.gate.set()
            await asyncio.gather(*stuck, return_exceptions=True)
            await asyncio.gather(*(client.close() for client in clients.values()))

    with StandIn("notifications") as slow, StandIn("risk") as risk:
        slow.gate.clear()
        assert asyncio.run(scene()) < 10


def test_what_a_service_cannot_take_is_refused_before_it_arrives() -> None:
    """While a service is full, thirty more callers cost it nothing; afterwards one of them is answered."""
    with (
        StandIn("risk") as risk,
        client_of("risk", risk.instance, bulkhead=Bulkhead("risk", 2, wait=0.0)) as client,
    ):
        risk.gate.clear()
        with in_flight([partial(client.request, "GET", "/v1/limits")] * 2) as stuck:
            until(lambda: len(risk.asked) == 2, message="two calls hang")
            for _ in range(30):
                with pytest.raises(NoRoom):
                    client.request("GET", "/v1/limits")
            assert len(risk.asked) == 2
            risk.gate.set()
            assert [each.result().status_code for each in stuck] == [200] * 2
        assert client.request("GET", "/v1/limits").status_code == 200
