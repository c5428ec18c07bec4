"""Starting, stopping, dying: what a platform leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runtime import Platform
from runtime.errors import NotATree, NotRunning, SeatBusy, ServiceFailed
from runtime.names import SERVICES
from runtime.seat import Seat, write_private
from runtime.tests.infra_support import until
from runtime.tests.platform_support import get, processes_of
from runtime.tests.toy_tree import make_toy_tree

OWNER = """
import signal, sys
from runtime import Platform
platform = Platform(sys.argv[1], seat=sys.argv[2], keep="keep" in sys.argv, services=["risk", "users"])
platform.start()
print("up", flush=True)
if "keep" not in sys.argv:
    signal.pause()
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_toy_tree(tmp_path / "tree")


@pytest.fixture
def owner(tree, tmp_path):
    """Starts a process that owns a platform, and ends it."""
    started = []

    def start(*words: str, seat: Path = tmp_path / "seat") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(tree), str(seat), *words], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "up\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_platform_starts_ten_services_and_leaves_nothing(tree):
    """All ten services answer while it runs; after the stop there is no process and no private folder."""
    steps = []
    platform = Platform(tree).start(progress=steps.append)
    seat = platform.seat
    assert {step.part for step in steps if step.state == "ready"} >= {
        *SERVICES,
        "postgres",
        "valkey",
        "kafka",
        "consul",
    }
    assert [get(platform, service, "/word") for service in SERVICES] == ["first"] * 10
    assert len(processes_of(seat)) >= 13
    platform.stop()
    assert processes_of(seat) == []
    assert not seat.exists()


def test_the_death_of_the_owner_stops_everything(owner, tmp_path):
    """An owner that is killed takes its whole platform with it."""
    process = owner()
    assert processes_of(tmp_path / "seat")
    process.kill()
    until(lambda: not processes_of(tmp_path / "seat"), message="processes outlived their owner")


def test_the_death_of_the_supervisor_stops_everything(owner, tmp_path):
    """The kernel ends what a killed supervisor leaves, and the next start works on the same seat."""
    process = owner()
    supervisor = Seat(tmp_path / "seat").read_state()["supervisor"]
    os.kill(supervisor, signal.SIGKILL)
    seat = tmp_path / "seat"
    until(lambda: not processes_of(seat, besides=process.pid), message="processes outlived their supervisor")
    process.kill()
    owner()


def test_a_paused_service_dies_with_its_owner(owner, tmp_path):
    """A frozen process does not hold up the end."""
    process = owner()
    Platform.attach(tmp_path / "seat").pause("risk")
    process.kill()
    until(lambda: not processes_of(tmp_path / "seat"), message="a paused process outlived its owner")


def test_two_platforms_run_side_by_side(tree):
    """Two seats share a machine without touching each other."""
    with (
        Platform(tree, services=["risk"]) as one,
        Platform(tree, services=["risk"]) as two,
    ):
        assert one.seat != two.seat
        assert one.port("risk") != two.port("risk")
        assert one.operator != two.operator
        one.sql("orders_db", "create table mark (a int)")
        assert two.sql("orders_db", "select 1 as a from pg_tables where tablename = 'mark'") == []


def test_a_seat_has_one_platform(tree, tmp_path):
    """A second start in a seat is refused in one line; the first goes on."""
    with Platform(tree, seat=tmp_path / "seat", services=["risk"]) as platform:
        with pytest.raises(SeatBusy, match=r"^A platform already runs in .* use it, or stop it.*$"):
            Platform(tree, seat=tmp_path / "seat", services=["risk"]).start()
        assert get(platform, "risk", "/word") == "first"


def test_a_named_seat_keeps_its_data(tree, tmp_path):
    """Databases and passwords of a named seat survive a stop."""
    with Platform(tree, seat=tmp_path / "seat", services=["risk"]) as platform:
        platform.sql("orders_db", "create table mark (a int)")
        operator = platform.operator
    with Platform(tree, seat=tmp_path / "seat", services=["risk"]) as platform:
        assert platform.sql("orders_db", "select * from mark") == []
        assert platform.operator == operator


def test_what_a_crash_left_is_ended(tree, tmp_path):
    """Processes that an earlier supervisor wrote down are ended by the next start."""
    seat = Seat(tmp_path / "seat")
    seat.create()
    leftover = subprocess.Popen(["sleep", "600"])
    from runtime.seat import process_start

    other = subprocess.Popen(["sleep", "600"])
    processes = [[leftover.pid, process_start(leftover.pid)], [other.pid, 12345]]
    seat.write_state({"supervisor": 1, "processes": processes})
    with Platform(tree, seat=seat.path, services=["risk"]):
        assert leftover.wait(10) == -signal.SIGKILL
        assert other.poll() is None, "an id that was given to another process since is left alone"
    other.kill()
    other.wait()


def test_a_kept_platform_outlives_its_owner(owner, tmp_path):
    """With `keep` it goes on, anybody of the same user can use it, and `stop` leaves no process."""
    owner("keep").wait(20)
    platform = Platform.attach(tmp_path / "seat")
    assert platform.services == ("risk", "users")
    platform.restart("risk")
    assert get(platform, "risk", "/word") == "first"
    platform.stop()
    until(lambda: not processes_of(tmp_path / "seat"))
    with pytest.raises(NotRunning, match="nexus up"):
        Platform.attach(tmp_path / "seat")


def test_state_is_private(tree, tmp_path):
    """Nobody else can read passwords or logs, or give orders."""
    with Platform(tree, seat=tmp_path / "seat", services=["risk"]):
        seat = tmp_path / "seat"
        assert seat.stat().st_mode & 0o066 == 0
        for name in ("secrets.json", "seat.json", "control.sock", "lock", "clock"):
            assert (seat / name).stat().st_mode & 0o077 == 0, name
        assert (seat / "logs").stat().st_mode & 0o077 == 0
        secrets = json.loads((seat / "secrets.json").read_text())
        assert len(set(secrets.values())) == 4


def test_a_folder_that_is_no_tree_is_refused(tmp_path):
    """The refusal says what to name instead."""
    with pytest.raises(NotATree, match="has no services/ folder: name a workspace"):
        Platform(tmp_path)


def test_a_service_that_does_not_start_shows_its_log(tree):
    """A strict start stops everything and shows the traceback."""
    (tree / "services" / "risk" / "word.py").write_text("import no_such_thing\n")
    (tree / "services" / "risk" / "__main__.py").write_text("import services.risk.word\n")
    platform = Platform(tree, services=["risk", "users"])
    with pytest.raises(ServiceFailed, match="No module named 'no_such_thing'") as caught:
        platform.start()
    assert caught.value.service == "risk"
    assert not platform.seat.exists()


def test_a_lenient_start_remembers_what_failed(tree):
    """The other services stay up, and the failed one comes up once it is mended."""
    broken = tree / "services" / "risk" / "__main__.py"
    code = broken.read_text()
    broken.write_text("raise SystemExit('the ledger is upside down')\n")
    platform = Platform(tree, services=["risk", "users"]).start(strict=False)
    try:
        assert list(platform.failed) == ["risk"]
        assert "the ledger is upside down" in platform.failed["risk"]
        assert get(platform, "users", "/word") == "first"
        broken.write_text(code)
        platform.restart("risk")
        assert platform.failed == {}
    finally:
        platform.stop()


def test_a_long_path_is_no_obstacle(tree, tmp_path):
    """A state folder may have a longer path than a socket's name could hold."""
    seat = tmp_path / ("s" * 120) / "seat"
    with Platform(tree, seat=seat, services=["risk"]) as platform:
        assert platform.status()


def test_services_restart_together(tree):
    """Several services restart at once with their new code; one that fails keeps none of the others down."""
    with Platform(tree, services=["risk", "users", "orders"]) as platform:
        before = {part.service: part.pid for part in platform.status()}
        (tree / "services" / "users" / "__main__.py").write_text("raise SystemExit('no ledger')\n")
        with pytest.raises(ServiceFailed, match="no ledger"):
            platform.restart_all(["risk", "users", "orders"])
        after = {part.service: part for part in platform.status()}
        assert list(platform.failed) == ["users"]
        for name in ("risk", "orders"):
            assert (after[name].healthy, after[name].restarts) == (True, 1)
            assert after[name].pid != before[name]


def test_a_private_file_is_whole_whoever_writes_it_last(tmp_path):
    """Threads that write one file at once are all served, and there is always what one of them wrote."""
    target = tmp_path / "seat.json"
    contents = [bytes([number]) * 10_000 for number in range(8)]

    def write(content: bytes) -> None:
        for _ in range(50):
            write_private(target, content)
            assert target.read_bytes() in contents

    with ThreadPoolExecutor(len(contents)) as pool:
        list(pool.map(write, contents))
    assert [each.name for each in tmp_path.iterdir()] == ["seat.json"]
