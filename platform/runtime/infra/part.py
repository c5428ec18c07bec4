"""What the parts of the infrastructure have in common: a folder, one main process, a record of it."""

import contextlib
import errno
import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

from runtime.errors import DiskFull, FolderInUse, PartFailed, PortBusy, RuntimeFault
from runtime.infra.ports import LOOPBACK, check_free, free_port
from runtime.infra.spawn import spawn

POLL_SECONDS = 0.005
_LOG_TAIL_BYTES = 4096
_PORT_ATTEMPTS = 5
# A part that outlived its owner is on its way out: it gets this long before it is stopped by force.
_LEFTOVER_SECONDS = 5.0
# Wall-clock start times are compared, and their clock may be corrected a little.
_SAME_START_SECONDS = 2.0


class Part:
    """One part of the embedded infrastructure, with its state in a private `folder`.

    An object made for the folder of a part that another process runs is a handle on that part:
    `is_running`, `pid`, `pids` and the address work, `start` raises FolderInUse.
    """

    name = "part"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder).absolute()
        self.process: subprocess.Popen[bytes] | None = None

    # -- what subclasses give ---------------------------------------------------------------

    def _launch(self, deadline: float) -> None:
        """Starts the process and waits until it answers."""
        raise NotImplementedError

    def _explain(self, log_tail: str) -> RuntimeFault:
        """The error for a process that died while it started and left `log_tail`."""
        return PartFailed(self.name, log_tail, f"See {self.log_path}.")

    # -- life -------------------------------------------------------------------------------

    def start(self, timeout: float = 90.0) -> None:
        """Starts the part and returns when it answers; nothing to do when it runs.

        Raises a RuntimeFault when it does not within `timeout` seconds, and leaves nothing behind.
        """
        if self.process is not None and self.is_running():
            return
        deadline = time.monotonic() + timeout
        self._close_pipes()  # of a process that died
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._wait_for_leftover()
            self.log_path.write_bytes(b"")
            self._launch(deadline)
            self._write_record()
        except OSError as error:
            self.kill()
            raise self._os_fault(error) from error
        except BaseException:
            self.kill()
            raise

    def stop(self, timeout: float = 10.0) -> None:
        """Stops the part, gently first; by force after `timeout` seconds. Harmless when it does not run."""
        process = self.process
        if process is None or process.poll() is not None:
            self._forget()
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.stop_signal)
            process.send_signal(signal.SIGCONT)  # a paused process would not hear
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()

    def kill(self) -> None:
        """Ends the part at once, as a crash would."""
        process = self.process
        if process is None:
            return
        children = self._children(process.pid)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        kill_all(children)
        self._close_pipes()

    def is_running(self) -> bool:
        """Whether the main process is alive."""
        if self.process is not None:
            return self.process.poll() is None
        return self._recorded_process() is not None

    # -- facts ------------------------------------------------------------------------------

    @property
    def log_path(self) -> Path:
        """Where the part logs; emptied at each start."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """The main process, or None when the part does not run."""
        if self.process is not None:
            return self.process.pid if self.process.poll() is None else None
        recorded = self._recorded_process()
        return recorded.pid if recorded else None

    @property
    def pids(self) -> list[int]:
        """The main process and those it started."""
        pid = self.pid
        return [] if pid is None else [pid, *(child.pid for child in self._children(pid))]

    def log_tail(self) -> str:
        """The last lines of the log."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, self.log_path.stat().st_size - _LOG_TAIL_BYTES))
                return log.read().decode(errors="replace").strip()
        except OSError:
            return ""

    # -- helpers of the subclasses ----------------------------------------------------------

    def _fail_if_dead(self) -> None:
        if self.process is None or self.process.poll() is not None:
            tail = self.log_tail()
            if "No space left on device" in tail:
                raise DiskFull(self.folder)
            raise self._explain(tail)

    def _pause(self, deadline: float) -> None:
        """One step of polling for the process to answer."""
        self._fail_if_dead()
        if time.monotonic() > deadline:
            raise PartFailed(self.name, self.log_tail(), f"It did not answer in time; see {self.log_path}.")
        time.sleep(POLL_SECONDS)

    def _launch_module(self, module: str, configuration: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Runs a Python part and returns what it reports when it is ready.

        It reads its configuration (which holds secrets) as the first line of its standard input;
        the end of that input is the end of its owner.
        """
        self.process = spawn({"module": module}, log=self.log_path, pipes=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it died; its log says why
            self.process.stdin.write(json.dumps(configuration).encode() + b"\n")
            self.process.stdin.flush()
        remaining = max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select([self.process.stdout], [], [], remaining)
        report = self.process.stdout.readline() if readable else b""
        if not report:
            if readable:
                self.process.wait()
            self._fail_if_dead()
            raise PartFailed(self.name, self.log_tail(), f"It did not answer in time; see {self.log_path}.")
        ready: dict[str, Any] = json.loads(report)
        if "busy_port" in ready:
            raise PortBusy(ready["busy_port"], self.name)
        return ready

    def _remember(self) -> dict[str, Any]:
        """What a handle in another process needs to know beside the process."""
        return {}

    def _recall(self) -> dict[str, Any]:
        """The record of the last start, {} when there is none."""
        try:
            record: dict[str, Any] = json.loads(self._record_path.read_text())
        except (OSError, ValueError):
            return {}
        return record

    # -- the record of the running process ----------------------------------------------------

    @property
    def _record_path(self) -> Path:
        return self.folder / f"{self.name}.json"

    def _write_record(self) -> None:
        assert self.process is not None
        owner = psutil.Process()
        record = {
            "pid": self.process.pid,
            "started": psutil.Process(self.process.pid).create_time(),
            "owner": owner.pid,
            "owner_started": owner.create_time(),
            **self._remember(),
        }
        temporary = self._record_path.with_suffix(".new")
        # Created private: the record may hold the token of a control channel.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(record, file)
        temporary.replace(self._record_path)

    def _recorded_process(self) -> psutil.Process | None:
        record = self._recall()
        return _alive(record.get("pid"), record.get("started"))

    def _wait_for_leftover(self) -> None:
        """Makes sure that no process of an earlier owner still uses the folder."""
        leftover = self._recorded_process()
        if leftover is None or (self.process is not None and leftover.pid == self.process.pid):
            return
        record = self._recall()
        owner = _alive(record.get("owner"), record.get("owner_started"))
        if owner is not None:
            raise FolderInUse(self.folder, owner.pid)
        if not _wait_for_end([leftover], _LEFTOVER_SECONDS):
            kill_all([leftover, *self._children(leftover.pid)])

    @staticmethod
    def _children(pid: int) -> list[psutil.Process]:
        try:
            return psutil.Process(pid).children(recursive=True)
        except psutil.Error:
            return []

    def _forget(self) -> None:
        self._close_pipes()
        self.process = None
        with contextlib.suppress(OSError):
            self._record_path.unlink(missing_ok=True)

    def _close_pipes(self) -> None:
        if self.process is None:
            return
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _os_fault(self, error: OSError) -> RuntimeFault:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return DiskFull(self.folder)
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            return RuntimeFault(
                f"{self.name} cannot write to {error.filename or self.folder} ({error.strerror}): "
                "use a folder of your own."
            )
        return PartFailed(self.name, str(error))


class ServerPart(Part):
    """A part that listens on one loopback port.

    `port` None: a free one is chosen at the first start, and kept from then on.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder)
        self._port = port

    @property
    def port(self) -> int:
        """The port; a RuntimeFault before the first start when none was given."""
        port = self._port or self._recall().get("port")
        if port is None:
            raise RuntimeFault(f"{self.name} has no port yet: start it first.")
        return int(port)

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    def _launch_on_port(self, deadline: float) -> None:
        """Starts the process on `port` and waits until it answers; PortBusy when it cannot listen."""
        raise NotImplementedError

    def _launch(self, deadline: float) -> None:
        attempts = 1 if self._port else _PORT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            chosen = free_port() if attempts > 1 else self.port
            self._port = chosen
            try:
                check_free(chosen, self.name)
                self._launch_on_port(deadline)
            except PortBusy:
                # Someone else took it since it was chosen; one that was asked for is not replaced.
                if attempt == attempts:
                    raise
            else:
                return

    def _remember(self) -> dict[str, Any]:
        return {"port": self.port}


def _alive(pid: int | None, started: float | None) -> psutil.Process | None:
    if pid is None or started is None:
        return None
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        same = abs(process.create_time() - started) < _SAME_START_SECONDS
    except psutil.Error:
        return None
    return process if same else None


def kill_all(processes: list[psutil.Process]) -> None:
    """Kills the processes and waits until they have ended."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    _wait_for_end(processes, _LEFTOVER_SECONDS)


def _wait_for_end(processes: list[psutil.Process], seconds: float) -> bool:
    """Whether all of them end in time. One that waits to be reaped by its parent has ended."""
    deadline = time.monotonic() + seconds
    while any(_runs(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
