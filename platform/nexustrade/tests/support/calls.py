"""Calls from service to service: clients with patient settings, and what a platform tells of its calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx

from shared.clients import BreakerConfig, CircuitBreaker, Instance, ServiceClient, StaticDiscovery

SETTINGS: Any = SimpleNamespace(service="orders", service_token_secret="s" * 40, tls=None)


def never_open(target: str) -> CircuitBreaker:
    """A breaker that stays out of the way of a test about something else."""
    return CircuitBreaker(target, BreakerConfig(minimum_calls=1_000_000))


@contextmanager
def client_of(target: str, *instances: Instance, **options: Any) -> Iterator[ServiceClient]:
    """A blocking client of these instances."""
    options = {"discovery": StaticDiscovery({target: instances}), "timeout": 30.0, **options}
    client = ServiceClient(target, SETTINGS, options.pop("discovery"), **options)
    try:
        yield client
    finally:
        client.close()


def total(platform: Any, service: str, prefix: str) -> float:
    """The sum of a service's samples whose name and labels start with `prefix`."""
    return sum(value for name, value in platform.metrics(service).items() if name.startswith(prefix))


def served(platform: Any, answer: httpx.Response, service: str) -> list[dict[str, Any]]:
    """The requests that a service answered on behalf of the one that got `answer`, oldest first.

    A service writes them down before it answers, so that nothing is missing when the answer is there.
    """
    spans = platform.traces(answer.headers["x-trace-id"])
    return [each for each in spans if each["service"] == service and "http.route" in each["attributes"]]
