"""What every part of the infrastructure does: starts, stops, ends with its owner, explains refusals."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil
import pytest
import yaml

from runtime.errors import DiskFull, FolderInUse, PartFailed, PortBusy, RuntimeFault, one_line
from runtime.infra import ports
from runtime.infra.consul_agent import ConsulAgent
from runtime.infra.fault_proxy import FaultProxy
from runtime.infra.kafka import KafkaCluster
from runtime.infra.ports import free_port, free_ports, is_free
from runtime.infra.postgres import PostgresServer
from runtime.infra.valkey import ValkeyServer
from runtime.tests.infra_support import gone, until
from runtime.tree import correct_tree

PARTS = {
    "postgres": lambda folder, **options: PostgresServer(folder, password="secret", **options),
    "valkey": lambda folder, **options: ValkeyServer(folder, password="secret", **options),
    "kafka": lambda folder: KafkaCluster(folder, {"trades": 3}),
    "consul": ConsulAgent,
    "fault-proxy": FaultProxy,
}
WITH_PORT = ("postgres", "valkey", "consul")


def of_each_process(part, look):
    """What `look` finds at each process of the part; PostgreSQL's workers come and go meanwhile."""
    found = []
    for pid in part.pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(look(psutil.Process(pid)))
    return found


OWNER = """
import json, sys, threading
from pathlib import Path
from runtime.infra.consul_agent import ConsulAgent
from runtime.infra.fault_proxy import FaultProxy
from runtime.infra.kafka import KafkaCluster
from runtime.infra.postgres import PostgresServer
from runtime.infra.valkey import ValkeyServer

seat = Path(sys.argv[1])
parts = [
    PostgresServer(seat / "postgres", password="secret"),
    ValkeyServer(seat / "valkey", password="secret"),
    KafkaCluster(seat / "kafka", {"trades": 3}),
    ConsulAgent(seat / "consul"),
    FaultProxy(seat / "proxy"),
]
for part in parts:
    part.start()
print(json.dumps([pid for part in parts for pid in part.pids]), flush=True)
sys.stdin.read()
for part in parts:
    part.stop()
"""


def owner_process(seat, **options):
    return subprocess.Popen(
        [*options.pop("prefix", ()), sys.executable, "-c", OWNER, str(seat)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("name", PARTS)
def test_part_starts_answers_and_stops(name, tmp_path):
    """A started part runs and is listed with its processes; a stopped one has left none."""
    part = PARTS[name](tmp_path / "part")
    part.start()
    pids = part.pids
    try:
        assert part.is_running()
        assert part.pid == pids[0]
        assert ":" in part.address
    finally:
        part.stop()
    assert not part.is_running()
    assert part.pid is None
    until(lambda: all(map(gone, pids)), "processes are left")
    part.stop()  # harmless


@pytest.mark.parametrize("name", PARTS)
def test_part_starts_again_after_a_kill(name, tmp_path):
    """A part whose process was killed by SIGKILL is started again in the same folder, on the same port."""
    part = PARTS[name](tmp_path / "part")
    part.start()
    try:
        address, pid = part.address, part.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: not part.is_running(), "it survived SIGKILL")
        part.start()
        assert part.is_running()
        assert part.pid != pid
        if name in WITH_PORT:
            assert part.address == address
    finally:
        part.stop()


@pytest.mark.parametrize("name", PARTS)
def test_folder_is_private(name, tmp_path):
    """Nobody else can read the folder of a part, and a part's command line holds no secret."""
    part = PARTS[name](tmp_path / "seat" / "part")
    part.start()
    try:
        assert stat.S_IMODE(part.folder.stat().st_mode) == 0o700
        command_lines = of_each_process(part, lambda process: " ".join(process.cmdline()))
        assert command_lines
        assert not any("secret" in line for line in command_lines)
    finally:
        part.stop()


@pytest.mark.parametrize("name", PARTS)
def test_listens_on_the_loopback_interface_only(name, tmp_path):
    """All sockets that a part listens on are bound to 127.0.0.1."""
    part = PARTS[name](tmp_path / "part")
    part.start()
    try:
        listening = [
            connection.laddr.ip
            for connections in of_each_process(part, lambda process: process.net_connections("inet"))
            for connection in connections
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening
        assert set(listening) == {"127.0.0.1"}
    finally:
        part.stop()


@pytest.mark.parametrize("name", PARTS)
def test_handle_in_another_object(name, tmp_path):
    """A second object for the folder sees the running part and its address, and refuses to start it."""
    part = PARTS[name](tmp_path / "part")
    part.start()
    try:
        handle = PARTS[name](tmp_path / "part")
        assert handle.is_running()
        assert handle.pid == part.pid
        assert handle.address == part.address
        with pytest.raises(FolderInUse, match="in use by process"):
            handle.start()
        assert part.is_running()
    finally:
        part.stop()


@pytest.mark.parametrize("name", WITH_PORT)
def test_busy_port_is_named(name, tmp_path):
    """A port that another program listens on is refused in one line that says which, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortBusy, match=rf"{name} cannot listen on port {port}: .* Stop it") as caught:
            PARTS[name](tmp_path / "part", port=port).start()
    assert caught.value.port == port
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", WITH_PORT)
def test_given_port_is_used(name, tmp_path):
    """A part listens on the port that it was given."""
    port = free_port()
    part = PARTS[name](tmp_path / "part", port=port)
    part.start()
    try:
        assert part.port == port
        assert not is_free(port)
    finally:
        part.stop()


def test_nothing_outlives_a_killed_owner(tmp_path):
    """When the owner of all parts is killed by SIGKILL, all of them end; the next owner starts them again."""
    for _ in range(2):
        with owner_process(tmp_path) as owner:
            pids = json.loads(owner.stdout.readline())
            assert len(pids) >= len(PARTS)
            owner.kill()
            until(lambda pids=pids: all(map(gone, pids)), "parts outlived their owner")


def test_next_owner_need_not_wait(tmp_path):
    """A start right after the last owner's death waits for the old processes and succeeds."""
    with owner_process(tmp_path) as owner:
        json.loads(owner.stdout.readline())
        owner.kill()
    with owner_process(tmp_path) as owner:
        assert json.loads(owner.stdout.readline())
        owner.stdin.close()
        assert owner.wait(30) == 0


def test_part_outlives_the_thread_that_started_it(tmp_path):
    """The end of the thread that called start is not the end of the part."""
    part = PARTS["valkey"](tmp_path / "part")
    thread = threading.Thread(target=part.start)
    thread.start()
    thread.join()
    try:
        pid = part.pid
        with pytest.raises(AssertionError):
            until(lambda: not part.is_running(), "it runs", timeout=0.3)
        assert part.pid == pid
    finally:
        part.stop()


@pytest.fixture
def open_folder():
    """A folder that an ordinary user can reach, unlike pytest's own when root runs it."""
    folder = Path(tempfile.mkdtemp(prefix="nexus-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_an_ordinary_user_starts_everything(open_folder):
    """A user who is not root starts all parts, as on a class-room hub."""
    options = {}
    if os.geteuid() == 0:
        # Root's own Python may be closed to others, so the user may read everything; nothing else.
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is missing")
        capability = ("--inh-caps", "-all,+dac_read_search", "--ambient-caps", "+dac_read_search")
        nobody = pwd.getpwnam("nobody")  # PostgreSQL wants a user with a name
        user = ("--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid), "--clear-groups")
        options["prefix"] = ("setpriv", *user, *capability, "--")
        options["env"] = {
            **os.environ,
            "HOME": str(open_folder / "home"),
            "XDG_CACHE_HOME": str(open_folder / "cache"),
        }
        for name in ("home", "cache", "seat"):
            (open_folder / name).mkdir()
            os.chown(open_folder / name, nobody.pw_uid, nobody.pw_gid)
    with owner_process(open_folder / "seat", **options) as owner:
        pids = json.loads(owner.stdout.readline())
        assert {psutil.Process(pid).uids().real for pid in pids} != {0}
        owner.stdin.close()
        assert owner.wait(30) == 0
    assert all(map(gone, pids))


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's folders refuse nobody but others")
def test_a_folder_below_a_private_one_serves(tmp_path):
    """Run by root, PostgreSQL starts as another user in a folder whose parents are closed to that user."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = PARTS["postgres"](closed / "seat" / "postgres")
    server.start()
    try:
        assert psutil.Process(server.pid).uids().real != 0
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        server.stop()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """A state folder in place of which there is a file is refused in one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RuntimeFault) as caught:
        PARTS["consul"](tmp_path / "file" / "part").start()
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_full_disk_is_named(name, tmp_path):
    """On a full disk a part refuses to start in one line that says so."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], check=False
    ).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with (small / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))
        with pytest.raises(DiskFull, match="No space is left on the disk"):
            PARTS[name](small / "part").start()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_ports_are_different_and_free():
    """Ports handed out together are different, and each can be listened on."""
    chosen = free_ports(20)
    assert len(set(chosen)) == 20
    assert all(map(is_free, chosen))


@pytest.mark.parametrize("layer", ["simulation", "test"])
def test_webhooks_lead_to_no_port_of_a_platform(layer):
    """Where the tree lets webhooks of this machine go, the runtime never puts a part or a service."""
    config = yaml.safe_load((correct_tree() / "config" / f"{layer}.yaml").read_text(encoding="utf-8"))
    permitted = config["notifications"]["webhooks"]["permitted"]
    assert permitted
    for permit in permitted:
        first, last = map(int, permit.rpartition(":")[2].split("-"))
        assert last < ports.FIRST or first > ports.LAST, permit


def test_a_port_that_another_process_has_handed_out_is_passed_over(tmp_path, monkeypatch):
    """Also before its server listens, and wherever that process keeps its temporary files."""
    code = (
        "import sys, tempfile\n"
        "from runtime.infra.ports import free_port\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        "print(free_port(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        taken = int(other.stdout.readline())
        free = 40_000  # above what anybody is given
        offered = iter([taken, free])
        monkeypatch.setattr(ports._random, "randint", lambda *_: next(offered))
        monkeypatch.setattr(ports, "is_free", lambda _port: True)
        assert ports.free_port() == free


def test_errors_are_one_line():
    """A log of many lines becomes one, with its end kept."""
    error = PartFailed("valkey", "first\n\nsecond\n", "See its log.")
    assert str(error) == "valkey failed: first | second. See its log."
    assert error.log_tail == "first\n\nsecond\n"
    assert one_line("x" * 400 + "end").endswith("end")
