"""The seat: the state folder of one platform, private to its user.

secrets.json    passwords, made once
seat.json       what runs: process ids, addresses; gone after a clean stop
control.sock    where the supervisor listens
lock            held by the supervisor as long as it lives
clock           offset of the market clock
logs/ traces/   one file per service
postgres/ valkey/ kafka/ …   data of the infrastructure
tls/            certificates of the seat's services, and of their authority
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import struct
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runtime.errors import NotRunning, SeatBusy


def state_root() -> Path:
    """The folder of all the state of this user: NEXUS_STATE_DIR, or a place that the system suggests."""
    chosen = os.environ.get("NEXUS_STATE_DIR")
    if chosen:
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root: its user must be able to reach the folder.
        return Path("/var/lib/nexus-lab")
    import platformdirs

    return platformdirs.user_state_path("nexus-lab")


def folder_mode() -> int:
    """Private; root's folders can be passed through, for PostgreSQL's user, but not read."""
    return 0o711 if os.geteuid() == 0 else 0o700


@dataclass(frozen=True)
class Secrets:
    """Passwords of one seat, all random."""

    postgres: str
    valkey: str
    service_token: str
    operator: str

    @classmethod
    def random(cls) -> Secrets:
        return cls(*(secrets.token_urlsafe(32) for _ in range(4)))


@dataclass(frozen=True)
class Seat:
    """One state folder."""

    path: Path

    @classmethod
    def of_workspace(cls, workspace: Path) -> Seat:
        """The seat that belongs to a workspace, or to any tree, found again by the path alone."""
        absolute = workspace.resolve()
        digest = hashlib.sha256(str(absolute).encode()).hexdigest()[:12]
        return cls(state_root() / "seats" / f"{absolute.name[:24]}-{digest}")

    @classmethod
    def private(cls) -> Seat:
        """A new seat for the calling process alone."""
        return cls(state_root() / "seats" / f"own-{os.getpid()}-{secrets.token_hex(4)}")

    @property
    def is_private(self) -> bool:
        """Whether the seat was made for one process and is worth nothing after it."""
        return self.path.name.startswith("own-")

    def folder(self, name: str) -> Path:
        """A folder of the seat, made when it is missing."""
        folder = self.path / name
        folder.mkdir(mode=folder_mode(), parents=True, exist_ok=True)
        return folder

    def log_file(self, service: str) -> Path:
        return self.path / "logs" / f"{service}.log"

    def trace_file(self, service: str) -> Path:
        return self.path / "traces" / f"{service}.jsonl"

    @property
    def clock_file(self) -> Path:
        return self.path / "clock"

    @property
    def tls_folder(self) -> Path:
        return self.path / "tls"

    def create(self) -> None:
        """Makes the folder and its parts, with private modes; what is there already stays."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(folder_mode())
        for name in ("logs", "traces", "run"):
            self.folder(name).chmod(0o700)
        clock = self.clock_file
        if not clock.exists() or clock.stat().st_size != 8:
            write_private(clock, struct.pack("<q", 0))

    def secrets(self) -> Secrets:
        """The passwords of the seat, made when it has none."""
        file = self.path / "secrets.json"
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
            return Secrets(**json.loads(file.read_bytes()))
        made = Secrets.random()
        write_private(file, json.dumps(asdict(made)).encode())
        return made

    def lock(self) -> int:
        """Takes the seat for the calling process; the kernel gives it back when the process ends.

        Returns the open file that holds the lock. Raises SeatBusy when a live process has it.
        """
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(handle, 32).decode().strip()
            os.close(handle)
            raise SeatBusy(self.path, int(owner) if owner.isdigit() else None) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        return handle

    def is_locked(self) -> bool:
        """Whether a live process runs the seat."""
        try:
            handle = os.open(self.path / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(handle)

    def write_state(self, state: dict[str, Any]) -> None:
        """Replaces seat.json."""
        write_private(self.path / "seat.json", json.dumps(state, indent=1).encode())

    def read_state(self) -> dict[str, Any]:
        """What runs in the seat. Raises NotRunning when nothing does."""
        if not self.is_locked():
            raise NotRunning(self.path)
        try:
            state: dict[str, Any] = json.loads((self.path / "seat.json").read_bytes())
        except (FileNotFoundError, ValueError):
            raise NotRunning(self.path) from None
        return state

    def recover(self) -> None:
        """Ends what an owner that was killed may have left; called with the lock held."""
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            state = json.loads((self.path / "seat.json").read_bytes())
            for pid, started in state["processes"]:
                if process_start(pid) == started:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        for name in ("seat.json", "control.sock"):
            (self.path / name).unlink(missing_ok=True)

    def remove(self) -> None:
        """Deletes the folder."""
        shutil.rmtree(self.path, ignore_errors=True)


def sweep_private_seats() -> None:
    """Deletes private seats whose owner and supervisor were both killed."""
    seats = state_root() / "seats"
    if not seats.is_dir():
        return
    for path in seats.glob("own-*"):
        seat = Seat(path)
        owner = path.name.split("-")[1]
        if not seat.is_locked() and not (owner.isdigit() and Path(f"/proc/{owner}").exists()):
            seat.remove()


def process_start(pid: int) -> int | None:
    """When process `pid` started, in clock ticks since boot: with the id it names a process for good."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[19])


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its user may read, all of it or nothing."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    temporary.replace(path)
