"""Instances that the catalogue lists and that nobody has started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def listed(
    platform: Any, service: str, port: int, *, callers: tuple[str, ...]
) -> Iterator[Callable[[], None]]:
    """Consul lists 127.0.0.1:`port` as one more healthy instance of a service; yields what takes it out.

    At the end `callers`, who call that service, start afresh: what they have learnt of the instance must not
    reach the tests that follow.
    """
    name = f"{service}-{port}"
    agent = platform.consul.agent
    agent.service.register(service, service_id=name, address="127.0.0.1", port=port)
    try:
        yield lambda: agent.service.deregister(name)
    finally:
        agent.service.deregister(name)
        platform.restart_all(callers)
