"""Everything on this machine, run by a supervisor process that this backend talks to."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime import logs
from runtime.addresses import Addresses
from runtime.backends import PartStatus, Step
from runtime.errors import NotRunning, RuntimeFault
from runtime.supervisor.control import call, unpack_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.seat import Seat
    from runtime.supervisor.plan import Plan

STOP_SECONDS = 30.0
"""The supervisor stops everything within about 10 s even when a service hangs; after this it is killed."""

_MAIN = "from runtime.supervisor.main import main; main()"


class EmbeddedBackend:
    """Starts a supervisor for `plan`; or, with `plan` None, uses the one that runs in `seat`."""

    name = "embedded"

    def __init__(self, seat: Seat, plan: Plan | None) -> None:
        self._seat = seat
        self.seat: Path | None = seat.path
        self._plan = plan
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._addresses: Addresses | None = None

    # -- life -----------------------------------------------------------------------------------

    def start(self, timeout: float, progress: Callable[[Step], None] | None) -> dict[str, str]:
        """Starts the supervisor and, through it, everything else."""
        if self._plan is None:
            return self.failed()
        self._start_supervisor(self._plan)

        def tell(step: Any) -> None:
            if progress is not None:
                progress(Step(*step))

        try:
            failed: dict[str, str] = call(self._seat, "start", {"timeout": timeout}, tell)
        except BaseException:
            self.stop()
            raise
        return failed

    def _start_supervisor(self, plan: Plan) -> None:
        self._seat.create()
        with (self._seat.path / "logs" / "supervisor.log").open("ab") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-P", "-c", _MAIN],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_supervisor_environment(),
                start_new_session=True,
            )
        stdin, stdout = self._supervisor.stdin, self._supervisor.stdout
        assert stdin is not None
        assert stdout is not None
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(plan.to_json()).encode() + b"\n")
            stdin.flush()
        answer = json.loads(stdout.readline() or b'{"error": null}')
        stdout.close()
        if plan.keep or "error" in answer:
            stdin.close()
            self._supervisor.wait()
            self._supervisor = None
        if "error" in answer:
            if answer["error"] is None:
                raise RuntimeFault(
                    f"The supervisor did not start: see {self._seat.path}/logs/supervisor.log."
                )
            raise unpack_error(answer["error"])

    def stop(self) -> None:
        """Stops everything and returns when no process is left; harmless when nothing runs."""
        with contextlib.suppress(NotRunning):
            self.call("stop")
        if self._supervisor is None:
            self._wait_until_released()
            return
        try:
            self._supervisor.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        if self._supervisor.stdin is not None:
            self._supervisor.stdin.close()
        self._supervisor = None

    def _wait_until_released(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while self._seat.is_locked():
            if time.monotonic() > deadline:
                raise RuntimeFault(
                    f"The platform in {self._seat.path} does not stop: see its logs/supervisor.log."
                )
            time.sleep(0.02)

    def call(self, op: str, **arguments: Any) -> Any:
        """Asks the supervisor."""
        return call(self._seat, op, arguments)

    # -- facts ----------------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """What the supervisor runs."""
        answer: dict[str, Any] = self.call("describe")
        return answer

    def addresses(self) -> Addresses:
        if self._addresses is None:
            described = self.describe()["addresses"]
            if described is None:
                raise RuntimeFault("The platform is still starting: ask again in a moment.")
            self._addresses = Addresses.from_json(described)
        return self._addresses

    def status(self) -> list[PartStatus]:
        return [PartStatus(**row) for row in self.call("status")]

    def failed(self) -> dict[str, str]:
        answer: dict[str, str] = self.call("failed")
        return answer

    def environment(self, service: str) -> dict[str, str]:
        answer: dict[str, str] = self.call("environment", service=service)
        return answer

    def log_lines(self, service: str) -> list[str]:
        return logs.read_lines(self._seat.log_file(service))

    # -- services -------------------------------------------------------------------------------

    def wait_healthy(self, services: list[str], timeout: float) -> None:
        self.call("wait_healthy", services=services, timeout=timeout)

    def restart(self, service: str, timeout: float) -> None:
        self.call("restart", service=service, timeout=timeout)

    def start_service(self, service: str, timeout: float) -> None:
        self.call("start_service", service=service, timeout=timeout)

    def stop_service(self, service: str) -> None:
        self.call("stop_service", service=service)

    def kill(self, service: str) -> None:
        self.call("kill", service=service)

    def pause(self, service: str) -> None:
        self.call("pause", service=service)

    def resume(self, service: str) -> None:
        self.call("resume", service=service)


def _supervisor_environment() -> dict[str, str]:
    # The forkserver imports the runtime again, with nothing but the environment to find it by.
    source = str(Path(__file__).parents[2])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {
        **kept,
        "PYTHONPATH": source,
        "PYTHONSAFEPATH": "1",
        # A process with many threads would otherwise keep a heap for each; and what hashing a password
        # takes (tens of MiB) must go back to the system, not stay in the heap.
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "1048576",
    }
