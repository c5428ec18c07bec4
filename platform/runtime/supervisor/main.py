"""The supervisor process: owns everything that runs in a seat, and dies with its owner unless kept.

It reads its plan as one JSON line from standard input and answers with one line when it takes requests:
{"ready": true} or {"error": …}. Without `keep`, the end of that input is the end of its owner.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.seat import Seat
from runtime.supervisor.control import ControlServer, pack_error
from runtime.supervisor.host import Host, Step
from runtime.supervisor.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable


class Supervisor:
    """Answers the requests of owners and of those who attach."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.seat = Seat(Path(plan.seat))
        self.finished = threading.Event()
        self.seat.create()
        self._lock = self.seat.lock()
        self.seat.recover()
        self.host = Host(plan, self.seat)
        self.host.write_state()
        self._stopping = threading.Lock()
        self._control = ControlServer(self.seat, self.handle)

    def handle(self, op: str, arguments: dict[str, Any], progress: Callable[[Any], None]) -> Any:
        """Does what a request asks for."""
        operations: dict[str, Callable[..., Any]] = {
            "start": self.start,
            "stop": self.stop,
            "describe": lambda _: self.describe(),
            "status": lambda _: self.host.status(),
            "environment": lambda _, service: self.host.environment(service),
            "failed": lambda _: self.host.failed(),
            "wait_healthy": lambda _, services, timeout: self.host.wait_healthy(services, timeout),
            "restart": lambda _, service, timeout: self.host.restart(service, timeout),
            "start_service": lambda _, service, timeout: self.host.start_service(service, timeout),
            "stop_service": lambda _, service: self.host.stop_service(service),
            "kill": lambda _, service: self.host.services[service].kill(),
            "pause": lambda _, service: self.host.services[service].pause(),
            "resume": lambda _, service: self.host.services[service].resume(),
        }
        return operations[op](progress, **arguments)

    def start(self, progress: Callable[[Any], None], timeout: float) -> dict[str, str]:
        """Starts the infrastructure and the services."""

        def tell(step: Step) -> None:
            progress(list(step))

        return self.host.start(timeout, tell)

    def describe(self) -> dict[str, Any]:
        """What a client needs to know."""
        addresses = self.host.addresses
        return {
            "tree": self.plan.tree,
            "keep": self.plan.keep,
            "services": self.plan.services,
            "links": self.plan.links,
            "addresses": addresses.to_json() if addresses else None,
        }

    def stop(self, _progress: Callable[[Any], None] | None = None) -> None:
        """Stops everything and lets the process end; a second caller waits for the first."""
        with self._stopping:
            if self.finished.is_set():
                return
            self.host.stop()
            with contextlib.suppress(OSError):
                (self.seat.path / "seat.json").unlink(missing_ok=True)
                (self.seat.path / "control.sock").unlink(missing_ok=True)
            if self.seat.is_private and not self.plan.keep:
                self.seat.remove()
            self.finished.set()

    def watch_owner(self) -> None:
        """Stops everything when the owner ends, however it ends."""
        watched: list[Any] = [sys.stdin]
        with contextlib.suppress(OSError, AttributeError):
            # Processes that the owner has forked keep its end of the pipe open; not this.
            watched.append(os.pidfd_open(self.plan.owner_pid))
        select.select(watched, [], [])
        self.stop()


def main() -> None:
    """Runs the supervisor until it is asked to stop."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    plan = Plan.from_json(json.loads(sys.stdin.readline()))
    if plan.keep and os.fork():
        # The owner waits for this process; the one that stays is nobody's child.
        os._exit(0)
    try:
        supervisor = Supervisor(plan)
    except Exception as error:  # the owner raises it
        print(json.dumps({"error": pack_error(error)}), file=answer, flush=True)
        raise
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: threading.Thread(target=supervisor.stop).start())
    if not plan.keep:
        threading.Thread(target=supervisor.watch_owner, name="owner", daemon=True).start()
    print(json.dumps({"ready": True}), file=answer, flush=True)
    answer.close()
    supervisor.finished.wait()
    # Daemon threads may still answer a client: a moment, and no cleaning up that could hang.
    threading.Event().wait(0.05)
    os._exit(0)
