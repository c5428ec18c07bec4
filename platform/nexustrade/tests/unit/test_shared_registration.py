"""A service's entry in Consul."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from shared.config import Settings
from shared.distributed import ConsulRegistration

pytestmark = pytest.mark.services("gateway", "orders", "market-data")


class FakeAgent:
    """Services and the states of their checks."""

    def __init__(self) -> None:
        self.services: dict[str, dict[str, Any]] = {}
        self.states: dict[str, tuple[str, str]] = {}
        self.agent = SimpleNamespace(
            service=SimpleNamespace(register=self.register, deregister=self.services.pop),
            check=SimpleNamespace(ttl_pass=self.ttl_pass, ttl_fail=self.ttl_fail),
        )

    def register(self, name: str, *, service_id: str, check: dict[str, str], **fields: Any) -> bool:
        self.services[service_id] = {"name": name, "check": check, **fields}
        self.states[check["CheckID"]] = ("critical", "")
        return True

    def ttl_pass(self, check: str, notes: str) -> bool:
        return self._report(check, "passing", notes)

    def ttl_fail(self, check: str, notes: str) -> bool:
        return self._report(check, "critical", notes)

    def _report(self, check: str, state: str, notes: str) -> bool:
        if check not in self.states:
            return False
        self.states[check] = (state, notes)
        return True


SETTINGS = Settings(
    service="market-data",
    port=8007,
    advertise_host="10.0.0.7",
    instance_id="market-data-8007",
    redis_url="",
    kafka_bootstrap_servers="",
    consul_http_addr="",
    service_token_secret="",
)


def test_a_service_registers_under_its_own_name_and_advertised_address() -> None:
    """Others find it by the service's name, at the address that reaches it."""
    consul = FakeAgent()
    assert ConsulRegistration(SETTINGS, lambda: (True, {}), ttl=10, client=consul).report()
    entry = consul.services["market-data-8007"]
    assert (entry["name"], entry["address"], entry["port"]) == ("market-data", "10.0.0.7", 8007)
    assert entry["check"]["TTL"] == "10s"


def test_the_check_says_what_readiness_says() -> None:
    """A service that is not ready is critical, with the reason; ready again, it passes."""
    consul, state = FakeAgent(), {"ready": False}
    registration = ConsulRegistration(
        SETTINGS,
        lambda: (state["ready"], {"database": "ok" if state["ready"] else "timed out"}),
        client=consul,
    )
    assert not registration.report()
    assert consul.states["service:market-data-8007"] == ("critical", "database: timed out")
    state["ready"] = True
    assert registration.report()
    assert consul.states["service:market-data-8007"] == ("passing", "database: ok")


def test_a_moments_unreadiness_leaves_a_service_in_place() -> None:
    """Two looks that find it unready change nothing, the third in a row makes it critical."""
    consul, looks = FakeAgent(), iter([True, False, False, True, False, False, False, True])
    registration = ConsulRegistration(SETTINGS, lambda: (next(looks), {}), client=consul)
    states = []
    for _ in range(8):
        registration.report()
        states.append(consul.states["service:market-data-8007"][0])
    assert states == ["passing"] * 6 + ["critical", "passing"]


def test_an_agent_that_forgot_the_service_is_told_again() -> None:
    """After Consul restarted empty, the second report finds the service registered anew."""
    consul = FakeAgent()
    registration = ConsulRegistration(SETTINGS, lambda: (True, {}), client=consul)
    registration.report()
    consul.services.clear()
    consul.states.clear()
    assert not registration.report()
    assert registration.report()
    assert "market-data-8007" in consul.services


def test_a_stopped_service_is_no_longer_found() -> None:
    """Deregistering is part of stopping."""
    consul = FakeAgent()
    registration = ConsulRegistration(SETTINGS, lambda: (True, {}), client=consul)
    registration.report()
    registration.stop()
    assert consul.services == {}
