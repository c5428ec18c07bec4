"""One service process under supervision."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runtime import health, logs
from runtime.errors import ServiceFailed
from runtime.launch.launcher import signal_group
from runtime.names import scheme

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from runtime.launch.child import Order
    from runtime.launch.launcher import Launcher, Process

STOP_SECONDS = 7.0
"""A service finishes its requests within 5 s of SIGTERM; after this it is killed."""


class Service:
    """Starts and stops one service. Who changes its process holds `lock`."""

    def __init__(self, name: str, port: int, make_order: Callable[[], Order], launcher: Launcher) -> None:
        self.name = name
        self.port = port
        self.restarts = 0
        self.failure: str | None = None
        self.closed = False
        self.process: Process | None = None
        self.lock = threading.RLock()
        self._make_order = make_order
        self._launcher = launcher
        self._log_start = 0
        self._log_file: Path | None = None

    @property
    def url(self) -> str:
        return f"{scheme(self.name)}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process, None when it is not running."""
        process = self.process
        return process.pid if process is not None and process.exit_code() is None else None

    def launch(self) -> None:
        """Makes the process; nothing to do when it runs, or when the platform is being stopped."""
        if self.pid is not None or self.closed:
            return
        order = self._make_order()
        self._log_file = Path(order.log_file)
        self._log_start = self._log_file.stat().st_size if self._log_file.exists() else 0
        self.process = self._launcher.start(order)

    def wait_ready(self, timeout: float, tls: ssl.SSLContext | None) -> None:
        """Waits until it is ready, asking with `tls`.

        Raises ServiceFailed, and remembers why, when it does not get there.
        """
        if health.wait_ready(self.url, timeout, gave_up=lambda: self.pid is None, tls=tls):
            self.failure = None
            return
        code = self.process.exit_code() if self.process else None
        reason = (
            f"stopped with exit code {code}" if code is not None else f"was not ready after {timeout:.0f} s"
        )
        self.failure = self.log_tail() or f"(it {reason})"
        raise ServiceFailed(self.name, self.failure, reason)

    def ask_to_stop(self) -> None:
        """Sends SIGTERM, and wakes it when it is paused."""
        process = self.process
        if process is not None and process.exit_code() is None:
            signal_group(process.pid, signal.SIGTERM)
            signal_group(process.pid, signal.SIGCONT)

    def stop(self, deadline: float | None = None) -> None:
        """Stops it gracefully, by force at `deadline` (monotonic seconds)."""
        process = self.process
        if process is None:
            return
        self.ask_to_stop()
        left = STOP_SECONDS if deadline is None else max(0.0, deadline - time.monotonic())
        if not process.wait(left):
            self.kill()
        # What it started must not outlive it.
        signal_group(process.pid, signal.SIGKILL)
        self.process = None

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        process = self.process
        if process is not None and process.exit_code() is None:
            signal_group(process.pid, signal.SIGKILL)
            process.wait(5)

    def pause(self) -> None:
        """Stops its clock: it keeps its connections and answers nothing."""
        if (pid := self.pid) is not None:
            signal_group(pid, signal.SIGSTOP)

    def resume(self) -> None:
        if (pid := self.pid) is not None:
            signal_group(pid, signal.SIGCONT)

    def log_tail(self) -> str:
        """The last lines that it logged since it was launched."""
        if self._log_file is None:
            return ""
        return logs.tail_text(self._log_file, since=self._log_start)
