"""Everything that runs in one seat: infrastructure, launcher, services."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runtime import certificates, health, memory
from runtime.addresses import inherited_environment
from runtime.errors import RuntimeFault, ServiceFailed
from runtime.infra.ports import free_port
from runtime.launch.child import Order
from runtime.launch.launcher import make_launcher
from runtime.names import OPERATOR, SERVICES, module_name
from runtime.seat import Seat, process_start
from runtime.supervisor.infrastructure import Infrastructure, read_topics
from runtime.supervisor.links import Links
from runtime.supervisor.service import STOP_SECONDS, Service
from runtime.tls import Credentials

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from runtime.addresses import Addresses
    from runtime.infra.part import Part
    from runtime.supervisor.plan import Plan


class Step(NamedTuple):
    """A part of the platform has reached a state, after so many seconds since the start."""

    part: str
    state: str
    seconds: float


class Host:
    """Starts and stops the processes of a plan. Must be made in the main thread (see ForkServerLauncher)."""

    def __init__(self, plan: Plan, seat: Seat) -> None:
        self.plan = plan
        self.seat = seat
        self.begin = time.monotonic()
        # First of all: importing the packages takes longest, and goes on while the rest starts.
        self.launcher = make_launcher(plan.launcher, seat.path / "run", plan.tree)
        self.infrastructure = Infrastructure(seat, read_topics(Path(plan.tree)))
        self.services = {
            name: Service(name, free_port(), lambda name=name: self.order(name), self.launcher)  # type: ignore[misc]
            for name in plan.services
        }
        self.links = Links(plan.links, seat.path / "fault-proxy")
        self._renewal = threading.Lock()
        self._writing = threading.Lock()
        # The kernel ties a child to the *thread* that made it, so these threads live as long as the host.
        self._pool = ThreadPoolExecutor(max(2, len(plan.services)), thread_name_prefix="service")
        self._stopping = threading.Event()
        self.addresses: Addresses | None = None

    def start(self, timeout: float, progress: Callable[[Step], None]) -> dict[str, str]:
        """Starts everything and waits until it is ready; returns failed services with their log tails.

        Raises a RuntimeFault when the infrastructure does not start.
        """

        def tell(part: str, state: str) -> None:
            progress(Step(part, state, round(time.monotonic() - self.begin, 3)))

        deadline = time.monotonic() + timeout
        certified = self._pool.submit(certificates.ensure, self.seat.tls_folder, (*SERVICES, OPERATOR))
        self.infrastructure.start(lambda name, _: tell(name, "ready"))
        certified.result()
        self.addresses = self.infrastructure.addresses({n: s.url for n, s in self.services.items()})
        self.links.start(self.addresses)

        def bring_up(service: Service) -> None:
            with service.lock:
                service.launch()
            tell(service.name, "started")
            try:
                service.wait_ready(max(1.0, deadline - time.monotonic()), self.tls)
                tell(service.name, "ready")
            except ServiceFailed:
                tell(service.name, "failed")

        list(self._pool.map(bring_up, self.services.values()))
        self.write_state()
        return self.failed()

    def order(self, name: str) -> Order:
        """What the process of service `name` is to be."""
        return Order(
            module=f"services.{module_name(name)}",
            tree=self.plan.tree,
            environment=self.environment(name),
            log_file=str(self.seat.log_file(name)),
            bytecode_folder=self.plan.bytecode_folder,
        )

    def environment(self, name: str) -> dict[str, str]:
        """The environment variables of service `name`."""
        assert self.addresses is not None
        port = self.services[name].port
        return {
            **inherited_environment(),
            "TZ": "UTC",
            "MALLOC_ARENA_MAX": "2",
            "NEXUS_SERVICE": name,
            "NEXUS_ENV": "simulation",
            "NEXUS_HOST": "127.0.0.1",
            "NEXUS_PORT": str(port),
            "NEXUS_INSTANCE_ID": f"{name}-{port}",
            "NEXUS_CLOCK_FILE": str(self.seat.clock_file),
            "NEXUS_TRACE_FILE": str(self.seat.trace_file(name)),
            **self.links.seen_by(name, self.addresses).infrastructure_environment(),
            **Credentials.of(self.seat.tls_folder, name).environment(),
            **self.plan.environment,
            **self.plan.service_environment.get(name, {}),
        }

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What services are asked with how they are."""
        return self.addresses.tls if self.addresses else None

    # -- single services ----------------------------------------------------------------------

    def start_service(self, name: str, timeout: float) -> None:
        """Starts a service that does not run. Raises ServiceFailed."""
        self._pool.submit(self._start_service, self.services[name], timeout).result()

    def _start_service(self, service: Service, timeout: float) -> None:
        self._renew(service.name)
        with service.lock:
            service.launch()
        self.write_state()
        service.wait_ready(timeout, self.tls)

    def stop_service(self, name: str) -> None:
        """Stops a service and waits for its end."""
        service = self.services[name]
        with service.lock:
            service.stop()

    def restart(self, name: str, timeout: float) -> None:
        """Stops a service and starts it with the code as it is now. Raises ServiceFailed."""
        service = self.services[name]
        self._renew(name)
        with service.lock:
            service.stop()
            service.restarts += 1
            self._pool.submit(service.launch).result()
        self.write_state()
        service.wait_ready(timeout, self.tls)

    def _renew(self, name: str) -> None:
        with self._renewal:  # one at a time: each writes the ledger of all
            certificates.renew(self.seat.tls_folder, name)

    def failed(self) -> dict[str, str]:
        """Services that did not come up, with their last log lines."""
        return {name: s.failure for name, s in self.services.items() if s.failure is not None}

    def wait_healthy(self, names: list[str], timeout: float) -> None:
        """Waits until all `names` are ready. Raises ServiceFailed for the first that is not in time."""
        deadline = time.monotonic() + timeout
        for name in names:
            service = self.services[name]
            left = max(0.1, deadline - time.monotonic())
            if not health.wait_ready(service.url, left, tls=self.tls):
                raise ServiceFailed(name, service.log_tail(), f"was not ready after {timeout:.0f} s")

    # -- facts ----------------------------------------------------------------------------------

    def status(self) -> list[dict[str, Any]]:
        """One row per part: service, port, healthy, pss_mib, restarts, pid."""
        services = list(self.services.values())
        ready = health.all_ready((service.url for service in services), tls=self.tls)
        rows = [
            _row(service.name, service.port, up, service.pid, service.restarts)
            for service, up in zip(services, ready, strict=True)
        ]
        for name, part in self._parts().items():
            rows.append(_row(name, _port(part), part.is_running(), part.pid, 0))
        inside = frozenset(row["pid"] for row in rows if row["pid"])
        own = {**_row("runtime", None, True, os.getpid(), 0), "pss_mib": memory.pss_mib(os.getpid(), inside)}
        return [*rows, own]

    def _parts(self) -> dict[str, Part]:
        proxy = self.links.part
        return self.infrastructure.parts | ({"fault-proxy": proxy} if proxy else {})

    def write_state(self) -> None:
        """Writes down what runs, for those who attach and for the start after a crash."""
        with self._writing:  # what is written last is what runs
            pids = [service.pid for service in self.services.values()]
            pids += self.launcher.pids()
            for part in self._parts().values():
                pids += part.pids
            self.seat.write_state(
                {
                    "supervisor": os.getpid(),
                    "tree": self.plan.tree,
                    "keep": self.plan.keep,
                    "services": {service.name: service.url for service in self.services.values()},
                    "processes": [[pid, process_start(pid)] for pid in pids if pid],
                }
            )

    # -- the end ----------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stops everything, services first, and leaves no process; may be called twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        deadline = time.monotonic() + STOP_SECONDS
        for service in self.services.values():
            with service.lock:
                service.closed = True
                service.ask_to_stop()
        for service in self.services.values():
            with service.lock:
                service.stop(deadline)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.links.stop()
        self.launcher.close()
        self.infrastructure.stop()


def _row(name: str, port: int | None, healthy: bool, pid: int | None, restarts: int) -> dict[str, Any]:
    return {
        "service": name,
        "port": port,
        "healthy": healthy,
        "pss_mib": memory.pss_mib(pid) if pid else 0.0,
        "restarts": restarts,
        "pid": pid,
    }


def _port(part: Any) -> int | None:
    try:
        port = part.port
    except (AttributeError, RuntimeFault):
        return None
    return int(port)
