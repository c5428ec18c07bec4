"""Whether services can be found: what Consul tells those who look for them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from runtime.health import POLL_SECONDS, fetch

if TYPE_CHECKING:
    from collections.abc import Iterable

FOUND_SECONDS = 20.0
"""A service tells Consul that it is ready within a quarter of a second; a busy machine takes longer."""

UNKNOWN_SECONDS = 1.0
"""Services register before they serve: one of which Consul has not heard by now does not register."""


def wait_found(consul: str, services: Iterable[str], timeout: float = FOUND_SECONDS) -> list[str]:
    """Waits until Consul at base address `consul` knows a healthy instance of each of `services`.

    Returns those of which it knows none at the end. A service that is ready and cannot be found is the
    tree's matter: nothing is raised.
    """
    missing = list(services)
    begin = time.monotonic()
    while True:
        states = {name: _instances(consul, name) for name in missing}
        missing = [name for name in missing if True not in states[name]]
        waited = time.monotonic() - begin
        if waited > timeout or not any(states[name] or waited < UNKNOWN_SECONDS for name in missing):
            return missing
        time.sleep(POLL_SECONDS)


def _instances(consul: str, service: str) -> list[bool]:
    """For each instance that Consul has heard of, whether all its checks pass."""
    try:
        status, body = fetch(f"{consul}/v1/health/service/{service}")
        entries = json.loads(body) if status == 200 else []
    except (OSError, ValueError):
        return []
    return [all(check["Status"] == "passing" for check in entry["Checks"]) for entry in entries]
