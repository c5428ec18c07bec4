from __future__ import annotations

from threading import Event

import pytest
from support.wait import until

from shared.observability import HealthRegistry

pytestmark = pytest.mark.services("orders", "risk", "users")


def broken() -> None:
    raise ConnectionError("connection refused")


def test_service_is_ready_when_all_checks_pass() -> None:
    """Readiness is the conjunction of all dependencies."""
    health = HealthRegistry()
    health.add("database", lambda: None)
    health.add("kafka", lambda: True)
    assert health.ready() == (True, {"database": "ok", "kafka": "ok"})


def test_one_failed_check_makes_the_service_unready_and_is_named() -> None:
    """Whoever is paged sees which dependency is gone, and why."""
    health = HealthRegistry()
    health.add("database", broken)
    health.add("kafka", lambda: False)
    health.add("redis", lambda: None)
    ready, checks = health.ready()
    assert not ready
    assert checks == {
        "database": "ConnectionError: connection refused",
        "kafka": "not available",
        "redis": "ok",
    }


def test_check_recovers_with_its_dependency() -> None:
    """A dependency that came back is found at the next look."""
    state = {"down": True}

    def check() -> bool:
        return not state["down"]

    health = HealthRegistry()
    health.add("database", check)
    assert not health.ready()[0]
    state["down"] = False
    assert health.ready()[0]


def test_hanging_check_is_reported_and_not_started_again() -> None:
    """A dependency that swallows requests costs one thread, and makes the service unready in time."""
    release, started = Event(), []

    def hang() -> None:
        started.append(1)
        release.wait(30)

    health = HealthRegistry(timeout=0.05)
    health.add("database", hang)
    try:
        answers = [health.ready() for _ in range(3)]
        until(lambda: started, message="the check has begun")
    finally:
        release.set()
    assert answers == [(False, {"database": "timed out"})] * 3
    assert len(started) == 1
