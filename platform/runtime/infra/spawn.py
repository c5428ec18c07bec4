"""Starting processes that die with this one.

Linux sends the death signal when the *thread* that forked ends, not the process. Every child is
therefore started from one thread that lives as long as the process does.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any

_LAUNCHER = Path(__file__).with_name("launch.py")
# What a child may need of the owner's environment; anything else (PGOPTIONS, PYTHONPATH, …) could change it.
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class _Spawner:
    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[Future[subprocess.Popen[bytes]], dict[str, Any]]] = (
            queue.SimpleQueue()
        )
        self._lock = threading.Lock()
        self._pid = 0

    def start(self, **options: Any) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._pid != os.getpid():  # first use, or first use after a fork
                self._pid = os.getpid()
                self._orders = queue.SimpleQueue()
                threading.Thread(
                    target=self._run, args=(self._orders,), name="infra-spawner", daemon=True
                ).start()
            future: Future[subprocess.Popen[bytes]] = Future()
            self._orders.put((future, options))
        return future.result()

    @staticmethod
    def _run(orders: queue.SimpleQueue[tuple[Future[subprocess.Popen[bytes]], dict[str, Any]]]) -> None:
        while True:
            future, options = orders.get()
            try:
                future.set_result(subprocess.Popen(**options))
            except BaseException as error:  # noqa: BLE001  # the caller gets it
                future.set_exception(error)


_spawner = _Spawner()


def spawn(
    order: dict[str, Any],
    *,
    log: Path,
    death_signal: int = signal.SIGKILL,
    cwd: Path | None = None,
    pipes: bool = False,
) -> subprocess.Popen[bytes]:
    """Starts what `order` says (see `launch`) with its output appended to the file `log`.

    `death_signal` reaches it when this process ends, however it ends. With `pipes`, its standard
    input and output are pipes; otherwise input is empty and output goes to the log.
    """
    order = {"owner": os.getpid(), "death_signal": int(death_signal), **order}
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    # One arena instead of one per thread; C locale so that messages can be recognised.
    environment |= {"LC_ALL": "C", "TZ": "UTC", "MALLOC_ARENA_MAX": "1"}
    with log.open("ab") as log_file:
        streams: dict[str, int | IO[bytes]] = {"stderr": log_file}
        streams |= (
            {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            if pipes
            else {"stdin": subprocess.DEVNULL, "stdout": log_file}
        )
        return _spawner.start(
            args=[sys.executable, "-I", "-S", str(_LAUNCHER), json.dumps(order)],
            cwd=cwd,
            env=environment,
            # A group of its own: the terminal's Ctrl-C is for the owner, which stops its parts in order.
            process_group=0,
            **streams,
        )
