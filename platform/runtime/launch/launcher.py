"""Makes service processes: forked from a warm forkserver, or as ordinary Python processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from multiprocessing import connection, forkserver, resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from runtime.launch import child, lifeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.launch.child import Order

_TREE_VARIABLE = "NEXUS_FORKSERVER_TREE"  # what `preload` reads, which is not to be imported here


class Process(Protocol):
    """A service process."""

    @property
    def pid(self) -> int: ...

    def exit_code(self) -> int | None:
        """None as long as it lives."""

    def wait(self, timeout: float) -> bool:
        """Waits for its end, `timeout` seconds at most; whether it has ended."""


class Launcher(Protocol):
    """Makes service processes."""

    def start(self, order: Order) -> Process: ...

    def pids(self) -> list[int]:
        """Processes of the launcher's own."""

    def close(self) -> None:
        """Ends the launcher's own processes."""


def make_launcher(name: str, run_folder: Path, tree: str = "") -> Launcher:
    """The launcher called `name`: "forkserver" or "subprocess"; `tree`: whose services it will start."""
    launchers: dict[str, Callable[[Path, str], Launcher]] = {
        "forkserver": ForkServerLauncher,
        "subprocess": SubprocessLauncher,
    }
    return launchers[name](run_folder, tree)


def signal_group(pid: int, number: int) -> None:
    """Sends a signal to a service process and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


class ForkServerLauncher:
    """multiprocessing's forkserver with the third-party packages imported beforehand.

    Must be made in the main thread of its process: the forkserver dies with the thread that made it.
    """

    def __init__(self, run_folder: Path, tree: str = "") -> None:
        # Its socket is private to the seat, unless the path is longer than a socket's name may be.
        if len(str(run_folder)) < 60:
            tempfile.tempdir = str(run_folder)
        _do_without_resource_tracker()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["runtime.launch.preload"])
        os.environ[_TREE_VARIABLE] = tree
        try:
            forkserver.ensure_running()
        finally:
            del os.environ[_TREE_VARIABLE]

    def start(self, order: Order) -> Process:
        process = self._context.Process(target=child.become, args=(order,), name=order.module)
        process.start()
        return _Forked(process)

    def pids(self) -> list[int]:
        server: Any = forkserver._forkserver  # type: ignore[attr-defined]  # noqa: SLF001
        return [server._forkserver_pid] if server._forkserver_pid else []  # noqa: SLF001

    def close(self) -> None:
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _do_without_resource_tracker() -> None:
    # It cleans up semaphores and shared memory, of which there is none here: 6 MiB and a process less.
    # Whoever asks for it finds it running, and what it is told goes nowhere.
    tracker: Any = resource_tracker._resource_tracker  # noqa: SLF001
    if tracker._fd is None:  # noqa: SLF001
        tracker._fd = os.open(os.devnull, os.O_WRONLY)  # noqa: SLF001


class _Forked:
    def __init__(self, process: Any) -> None:
        self._process = process
        self._reading = threading.Lock()
        self.pid: int = process.pid

    def exit_code(self) -> int | None:
        # The forkserver reports the code once, through a pipe: two readers would lose it.
        with self._reading:
            code: int | None = self._process.exitcode
        return code

    def wait(self, timeout: float) -> bool:
        connection.wait([self._process.sentinel], timeout)
        return self.exit_code() is not None


class SubprocessLauncher:
    """`python -m services.<name>`, ten times: what the forkserver is measured against."""

    def __init__(self, run_folder: Path, tree: str = "") -> None:
        del run_folder, tree

    def start(self, order: Order) -> Process:
        with Path(order.log_file).open("ab") as log:
            return _Spawned(
                subprocess.Popen(
                    [sys.executable, "-m", order.module],
                    cwd=order.tree,
                    env=order.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=lifeline.die_with_parent,  # noqa: PLW1509
                )
            )

    def pids(self) -> list[int]:
        return []

    def close(self) -> None:
        pass


class _Spawned:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def exit_code(self) -> int | None:
        return self._process.poll()

    def wait(self, timeout: float) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        return self._process.returncode is not None
