"""Free TCP ports on the loopback interface."""

import errno
import fcntl
import os
import random
import socket
import threading
from pathlib import Path

from runtime.errors import PortBusy, RuntimeFault

LOOPBACK = "127.0.0.1"

# Below the range from which Linux and macOS take the ports of outgoing connections, so that no client
# can take a port between the moment it is chosen here and the moment its server listens.
FIRST, LAST = 20_000, 32_000
_ATTEMPTS = 500

# Not tempfile's folder: a process that runs a platform sets that to one of its own.
_CLAIMS_FOLDER = Path("/tmp")  # noqa: S108 - opened without following links, readable by its owner only

_handed_out: set[int] = set()
_lock = threading.Lock()
_random = random.SystemRandom()


class _Claims:
    """Ports that processes of this user have handed out, so that two platforms never choose the same one.

    A claim is a lock on one byte of a shared file: it ends with the process that made it.
    """

    def __init__(self) -> None:
        self._file: int | None = None
        self._owner = 0

    def make(self, port: int) -> bool:
        """Claims `port`; False when another process has it."""
        if self._owner != os.getpid():  # locks do not pass to a forked child
            path = _CLAIMS_FOLDER / f"nexus-lab-ports-{os.geteuid()}"
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file, self._owner = os.open(path, flags, 0o600), os.getpid()
        assert self._file is not None
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                return False
            raise
        return True


_claims = _Claims()


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are still in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def check_free(port: int, name: str) -> None:
    """Raises PortBusy when the part `name` could not listen on `port`."""
    if not is_free(port):
        raise PortBusy(port, name)


def free_port() -> int:
    """A port that is free now and that no process of this user has handed out before and still runs."""
    with _lock:
        for _ in range(_ATTEMPTS):
            port = _random.randint(FIRST, LAST)
            if port not in _handed_out and _claims.make(port) and is_free(port):
                _handed_out.add(port)
                return port
    raise RuntimeFault(f"No port from {FIRST} to {LAST} is free: stop platforms that are no longer needed.")


def free_ports(count: int) -> list[int]:
    """`count` different ports, each as from `free_port`."""
    return [free_port() for _ in range(count)]
