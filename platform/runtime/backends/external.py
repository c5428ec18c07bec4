"""A platform that somebody else runs; its addresses come from the environment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from runtime import health
from runtime.addresses import Addresses
from runtime.backends import PartStatus, Step
from runtime.errors import NotSupported, ServiceFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class ExternalBackend:
    """Looks at a platform from outside: it can ask and wait, not start or stop."""

    name = "external"
    seat: Path | None = None

    def __init__(self) -> None:
        self._addresses = Addresses.from_environment()

    def start(self, timeout: float, progress: Callable[[Step], None] | None) -> dict[str, str]:
        """Waits until what is said to run is ready."""
        begin = time.monotonic()
        failed = {}
        for service, url in self._addresses.services.items():
            left = max(0.1, timeout - (time.monotonic() - begin))
            ready = health.wait_ready(url, left, tls=self._addresses.tls)
            if not ready:
                failed[service] = f"{url}/health/ready does not answer with 200"
            if progress is not None:
                progress(Step(service, "ready" if ready else "failed", time.monotonic() - begin))
        return failed

    def stop(self) -> None:
        """Leaves it running."""

    def addresses(self) -> Addresses:
        return self._addresses

    def status(self) -> list[PartStatus]:
        services = self._addresses.services
        ready = health.all_ready(services.values(), tls=self._addresses.tls)
        return [
            PartStatus(service, urlsplit(url).port, up, 0.0, 0, None)
            for (service, url), up in zip(services.items(), ready, strict=True)
        ]

    def failed(self) -> dict[str, str]:
        return {}

    def environment(self, service: str) -> dict[str, str]:
        """Those variables that are known from outside."""
        return {"NEXUS_SERVICE": service, **self._addresses.infrastructure_environment()}

    def wait_healthy(self, services: list[str], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        for service in services:
            url = self._addresses.services[service]
            left = max(0.1, deadline - time.monotonic())
            if not health.wait_ready(url, left, tls=self._addresses.tls):
                raise ServiceFailed(service, "", f"at {url} was not ready after {timeout:.0f} s")

    def _refuse(self, what: str) -> NoReturn:
        raise NotSupported(what, self.name)

    def restart(self, service: str, timeout: float) -> None:
        del timeout
        self._refuse(f"Restarting {service}")

    def start_service(self, service: str, timeout: float) -> None:
        del timeout
        self._refuse(f"Starting {service}")

    def stop_service(self, service: str) -> None:
        self._refuse(f"Stopping {service}")

    def kill(self, service: str) -> None:
        self._refuse(f"Killing {service}")

    def pause(self, service: str) -> None:
        self._refuse(f"Pausing {service}")

    def resume(self, service: str) -> None:
        self._refuse(f"Resuming {service}")

    def log_lines(self, service: str) -> list[str]:
        self._refuse(f"Reading the log of {service}")
