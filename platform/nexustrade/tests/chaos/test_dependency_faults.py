"""The gateway while one of the services behind it is dead, frozen, slow, cut off, or not what Consul says."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from support.burst import all_at_once, in_flight
from support.calls import total
from support.client import ApiClient
from support.instances import listed
from support.wait import until

pytestmark = pytest.mark.services("gateway", "auth", "users", "risk")

PLACES = 6
READS = 40


@pytest.fixture(scope="module")
def platform(own_platform: Callable[..., Any]) -> Any:
    """Six calls to each service at once; the ways from the gateway to users and risk can be disturbed."""
    return own_platform(
        services=["gateway", "auth", "users", "risk"],
        links=[("gateway", "users"), ("gateway", "risk"), ("gateway", "consul"), ("risk", "users")],
        env={
            "NEXUS__GATEWAY__DEADLINE_SECONDS": "20",
            "NEXUS__GATEWAY__BULKHEAD__PLACES": str(PLACES),
            "NEXUS__GATEWAY__BULKHEAD__WAIT_SECONDS": "0.5",
        },
    )


@pytest.fixture
def client(platform: Any, market_on: Callable[[Any], Any]) -> Iterator[ApiClient]:
    """A user on a platform that is whole, and is whole again afterwards."""
    client = market_on(platform).new_user()[0]
    answers(client, "users", "risk")
    yield client
    for service in ("users", "risk"):
        platform.faults.rejoin(service)
        platform.resume(service)
    platform.faults.heal()
    platform.wait_healthy()
    answers(client, "users", "risk")


PATHS = {"users": "/v1/users/me", "risk": "/v1/risk/limits/no-such-account", "auth": "/v1/auth/rights"}


def answers(client: ApiClient, *services: str) -> None:
    """Waits until a service is reached again through the gateway."""
    for service in services:
        until(partial(reached, client, service), message=f"{service} answers")


def reached(client: ApiClient, service: str) -> bool:
    return client.get(PATHS[service]).status_code in {200, 403, 404}


def soon(seconds: float) -> dict[str, str]:
    return {"X-Request-Deadline": f"{time.time() + seconds:.3f}"}


def counted(platform: Any, name: str, **labels: str) -> float:
    """A counter of the gateway's clients."""
    inside = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return total(platform, "gateway", f"{name}_total{{{inside}}}")


def under_way(platform: Any) -> float:
    """Calls in the fullest bulkhead of the gateway."""
    samples = platform.metrics("gateway").items()
    return max(value for name, value in samples if name.startswith("client_calls_under_way"))


@contextmanager
def all_places_taken(platform: Any, client: ApiClient) -> Iterator[list[Any]]:
    """As many calls to risk as it has places, all of which wait for a service that says nothing."""
    reads = [partial(client.get, f"/v1/risk/limits/no-such-account?n={n}") for n in range(PLACES)]
    with in_flight(reads) as stuck:
        try:
            until(lambda: under_way(platform) >= PLACES, message="every place is taken")
            yield stuck
        finally:
            platform.resume("risk")
            platform.faults.rejoin("risk")


def test_a_frozen_service_leaves_the_others_their_places(platform: Any, client: ApiClient) -> None:
    """While risk is frozen with every place taken, users and auth answer everybody; then risk does, too."""
    platform.pause("risk")
    with all_places_taken(platform, client):
        refused = client.get(PATHS["risk"])
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        for _ in range(5):
            assert client.get(PATHS["users"]).status_code == 200
            assert client.get(PATHS["auth"]).status_code == 200
    answers(client, "risk")


def test_a_service_cut_off_by_the_network_costs_the_others_nothing(platform: Any, client: ApiClient) -> None:
    """A partition that swallows calls to risk holds up no call to users, and ends without a trace."""
    platform.faults.partition("risk")
    with all_places_taken(platform, client):
        results = all_at_once([partial(client.get, PATHS["users"])] * 3)
        assert [each.status_code for each in results] == [200] * 3
    answers(client, "risk")
    until(lambda: under_way(platform) == 0, message="every place is free again")


def test_callers_of_a_full_service_are_told_when_to_come_back(platform: Any, client: ApiClient) -> None:
    """Whoever finds no place is refused with Retry-After, is counted, and finds one when risk goes on."""
    platform.pause("risk")
    with all_places_taken(platform, client) as stuck:
        before = total(platform, "gateway", 'client_refused_total{reason="no-room"')
        refused = client.get(PATHS["risk"])
        assert refused.status_code == 503
        assert float(refused.headers["retry-after"]) > 0
        assert total(platform, "gateway", 'client_refused_total{reason="no-room"') - before == 1
    assert {each.result().status_code for each in stuck} <= {403, 404, 503}
    answers(client, "risk")


def test_a_silent_service_is_left_alone_after_a_while(platform: Any, client: ApiClient) -> None:
    """Calls that time out open the breaker of users: callers are refused at once, until users answers."""
    opened = counted(platform, "client_breaker_opened", target="users")
    refused = counted(platform, "client_refused", reason="circuit-open", target="users")
    platform.faults.partition("users")

    def left_alone() -> bool:
        calls = [lambda n=n: client.get(f"/v1/users/me?n={n}", headers=soon(1.0)) for n in range(PLACES)]
        assert {each.status_code for each in all_at_once(calls)} <= {503, 504}
        return (
            counted(platform, "client_breaker_opened", target="users") > opened
            and counted(platform, "client_refused", reason="circuit-open", target="users") > refused
        )

    until(left_alone, message="calls to users are refused")
    assert client.get(PATHS["auth"]).status_code == 200
    platform.faults.rejoin("users")
    answers(client, "users")


def test_a_killed_service_is_found_again(platform: Any, client: ApiClient) -> None:
    """While users is dead its callers get 503, those of auth are served; its successor is found by itself."""
    platform.kill("users")
    try:
        answer = client.get(PATHS["users"], headers=soon(10.0))
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("/dependency-unavailable")
        assert client.get(PATHS["auth"]).status_code == 200
    finally:
        platform.start_service("users")
    answers(client, "users")


def test_a_slow_service_is_slow_for_its_own_callers_only(platform: Any, client: ApiClient) -> None:
    """With every answer of risk late, as many reads of users are served as before, and risk is not lost."""
    platform.faults.slow("risk", 300)
    reads = [partial(client.get, f"{PATHS['risk']}?n={n}") for n in range(PLACES // 2)]
    with in_flight(reads) as slow:
        for _ in range(10):
            assert client.get(PATHS["users"]).status_code == 200
        assert {each.result().status_code for each in slow} <= {403, 404}
    platform.faults.rejoin("risk")
    answers(client, "risk")


def test_calls_go_on_while_consul_is_silent(platform: Any, client: ApiClient) -> None:
    """What the gateway knows serves it through an outage of discovery, and it learns again afterwards."""
    link = platform.faults.link("gateway", "consul")
    link.black_hole()
    try:
        for _ in range(READS // 2):
            assert client.get(PATHS["users"]).status_code == 200
    finally:
        link.heal()
        link.reset_connections()
    platform.kill("users")
    platform.start_service("users")
    answers(client, "users")


def test_a_partition_between_two_services_reaches_a_caller_in_his_time(
    platform: Any, client: ApiClient
) -> None:
    """While risk cannot ask users, whoever asks risk has his answer in time, and the right one later."""
    platform.faults.link("risk", "users").black_hole()
    answer = client.get("/v1/risk/limits/another-account", headers=soon(1.0))
    assert answer.status_code in {503, 504}
    assert client.get(PATHS["users"]).status_code == 200
    platform.faults.link("risk", "users").heal()
    platform.faults.link("risk", "users").reset_connections()
    until(
        lambda: client.get("/v1/risk/limits/another-account").status_code in {403, 404},
        message="risk asks users again",
    )


def dead_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_a_dead_instance_is_passed_over_and_then_forgotten(platform: Any, client: ApiClient) -> None:
    """Half of the entries of auth are dead: nobody fails. Once they are taken out, no call goes there."""
    vain = partial(counted, platform, "client_attempts", outcome="unreachable", target="auth")
    with listed(platform, "auth", dead_port(), callers=("gateway",)) as take_out:
        before = vain()
        until(lambda: reached(client, "auth") and vain() > before, message="the dead instance is met")
        met = vain()
        assert [client.get(PATHS["auth"]).status_code for _ in range(READS)] == [200] * READS
        assert vain() - met <= READS / 4
        take_out()

        def undisturbed() -> bool:
            met = vain()
            return all(reached(client, "auth") for _ in range(READS)) and vain() == met

        until(undisturbed, message="calls reach living instances only")
