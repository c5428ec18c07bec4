"""What can go wrong when a platform is run. Every text is one line: what is wrong and what to do.

RuntimeFault
├── DiskFull        the file system of a folder has no room left
├── PortBusy        another program listens on the port
├── CorruptState    a state folder does not hold what its part wrote there
├── FolderInUse     another running platform holds the folder
├── PartFailed      a part did not start, or died
├── ServiceFailed   a service of the tree did not come up
├── SeatBusy        another platform runs in the seat
├── NotRunning      no platform runs in the seat
├── NotATree        a folder is not laid out like the platform's tree
└── NotSupported    the backend cannot do what was asked
"""

from pathlib import Path


class RuntimeFault(Exception):
    """Base of all errors of the runtime."""


class DiskFull(RuntimeFault):
    """No room is left on the file system that holds `path`."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        super().__init__(f"No space is left on the disk that holds {path}: free some, then start again.")


class PortBusy(RuntimeFault):
    """Another program listens on `port`."""

    def __init__(self, port: int, name: str = "") -> None:
        self.port = port
        self.name = name
        wanted = f"{name} cannot listen on port {port}" if name else f"Port {port} cannot be used"
        super().__init__(f"{wanted}: another program does. Stop it, or leave the port to be chosen freely.")


class CorruptState(RuntimeFault):
    """The folder `path` is damaged; `detail` says how."""

    def __init__(self, path: Path | str, detail: str) -> None:
        self.path = Path(path)
        self.detail = one_line(detail)
        super().__init__(f"{path} is damaged ({self.detail}): remove that folder to start afresh.")


class FolderInUse(RuntimeFault):
    """Another live process, `owner_pid`, runs a part in `path`."""

    def __init__(self, path: Path | str, owner_pid: int) -> None:
        self.path = Path(path)
        self.owner_pid = owner_pid
        super().__init__(
            f"{path} is in use by process {owner_pid}: stop that one first, or use another folder."
        )


class PartFailed(RuntimeFault):
    """The part `name` did not start, or died; `log_tail` holds the last lines that it logged."""

    def __init__(self, name: str, log_tail: str, advice: str = "See its log.") -> None:
        self.name = name
        self.log_tail = log_tail
        super().__init__(
            f"{name} failed: {one_line(log_tail) or 'it said nothing'}. {advice}".replace("..", ".")
        )


class ServiceFailed(RuntimeFault):
    """`service` did not come up; `log_tail` holds the last lines that it logged, shown below the message."""

    def __init__(self, service: str, log_tail: str, reason: str = "did not come up") -> None:
        self.service = service
        self.log_tail = log_tail
        shown = log_tail.rstrip() or "(it logged nothing)"
        super().__init__(f"{service} {reason}: mend its code, then restart it. Its last log lines:\n{shown}")


class SeatBusy(RuntimeFault):
    """The platform of process `owner_pid` runs in the seat `path`."""

    def __init__(self, path: Path | str, owner_pid: int | None) -> None:
        self.path = Path(path)
        self.owner_pid = owner_pid
        who = f"process {owner_pid}" if owner_pid else "another process"
        super().__init__(f"A platform already runs in {path} ({who}): use it, or stop it with `nexus down`.")


class NotRunning(RuntimeFault):
    """No platform runs in the seat `path`."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        super().__init__(f"No platform runs in {path}: start one with `nexus up`.")


class NotATree(RuntimeFault):
    """The folder `path` has no services/ to start."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        super().__init__(
            f"{path} has no services/ folder: name a workspace, or a copy of platform/nexustrade."
        )


class NotSupported(RuntimeFault):
    """The backend cannot do what was asked."""

    def __init__(self, what: str, backend: str) -> None:
        self.what = what
        self.backend = backend
        super().__init__(f"{what} is not possible on the {backend} backend: use the embedded one.")


def one_line(text: str, limit: int = 300) -> str:
    """`text` on one line, its end kept when it is longer than `limit` characters."""
    flat = " | ".join(line.strip() for line in text.splitlines() if line.strip())
    return flat if len(flat) <= limit else "…" + flat[-limit:]
