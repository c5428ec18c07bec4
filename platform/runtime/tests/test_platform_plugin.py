"""The pytest plugin and the command line, each run as its users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import Platform, commands
from runtime.errors import NotRunning
from runtime.names import SERVICES
from runtime.tests.platform_support import processes_of
from runtime.tests.toy_tree import make_toy_tree

SUITE = """
import pytest

def get(platform, service):
    with platform.http(service) as client:
        return client.get("/word").text

@pytest.mark.services("users")
def test_users(platform):
    assert get(platform, "users") == "first"

@pytest.mark.services("risk")
def test_risk(platform):
    assert get(platform, "risk") == "first"

@pytest.mark.services("risk")
def test_module(rng, seed):
    from services.risk.word import WORD
    assert (WORD, seed) == ("first", 7)
    with open(__file__ + ".random", "a") as file:
        file.write(f"{rng.random()}\\n")
"""

OWN = """
import pytest

@pytest.fixture(scope="module")
def mine(own_platform):
    return own_platform(services=["audit"], env={"NEXUS__X": "1"})

def test_own(mine):
    assert [row.service for row in mine.status() if row.service == "audit"] == ["audit"]
    assert mine.environment("audit")["NEXUS__X"] == "1"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = make_toy_tree(tmp_path / "tree")
    (tree / "tests").mkdir()
    (tree / "tests" / "test_toy.py").write_text(SUITE)
    (tree / "pytest.ini").write_text(
        "[pytest]\naddopts = --strict-markers -p runtime.pytest_plugin\npythonpath = .\n"
    )
    return tree


def run(tree: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "tests", "--seed", "7", *words],
        cwd=tree,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_suite_gets_a_platform_of_its_tree(tree):
    """One line tells of the start; the tests share it; the seed decides the random values."""
    for _ in range(2):
        done = run(tree)
        assert "3 passed" in done.stdout, done.stdout + done.stderr
        assert "Starting the platform of this run … 10 services in" in done.stderr
    numbers = (tree / "tests" / "test_toy.py.random").read_text().split()
    assert numbers[0] == numbers[1]


def test_only_the_tests_of_a_failed_service_fail(tree):
    """They fail at once with its last log lines; tests that need no platform run all the same."""
    (tree / "services" / "risk" / "bootstrap.py").write_text("raise RuntimeError('upside down')\n")
    done = run(tree)
    assert "2 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "risk did not start. Its last log lines:" in done.stdout
    assert "RuntimeError: upside down" in done.stdout
    assert "9 services in" in done.stderr
    assert "not risk" in done.stderr


def test_a_module_can_have_a_platform_of_its_own(tree):
    """With its own services and variables; nothing else is started."""
    (tree / "tests" / "test_toy.py").write_text(OWN)
    done = run(tree)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert "a platform for test_toy.py … 1 services in" in done.stderr


def test_lines_in_services_are_counted(tree, tmp_path):
    """With NEXUS_COVERAGE every service process saves what it ran, when it is stopped."""
    import coverage

    folder = tmp_path / "coverage"
    folder.mkdir()
    with Platform(tree, services=["risk", "users"], env={"NEXUS_COVERAGE": str(folder)}):
        pass
    files = list(folder.glob(".coverage.*"))
    assert sorted(file.name.split(".")[2] for file in files) == ["risk", "users"]
    data = coverage.CoverageData(str(next(file for file in files if "risk" in file.name)))
    data.read()
    bootstrap = str(tree / "services" / "risk" / "bootstrap.py")
    last_line = len(Path(bootstrap).read_text().splitlines())
    assert last_line in data.lines(bootstrap), "what runs after SIGTERM is counted too"


def test_up_status_logs_restart_down(tree, tmp_path, monkeypatch, capsys):
    """The platform of a workspace is found again by its path alone."""
    monkeypatch.setenv("NEXUS_STATE_DIR", str(tmp_path / "state"))
    with pytest.raises(NotRunning, match="nexus up"):
        commands.status(tree)
    try:
        commands.up(tree)
        commands.up(tree)
        assert "running already" in capsys.readouterr().out
        commands.restart(tree, "market_data")
        commands.status(tree, as_json=True)
        said = capsys.readouterr().out
        rows = {row["service"]: row for row in json.loads(said[said.index("[") :])}
        assert set(rows) >= set(SERVICES)
        assert set(rows["risk"]) == {"service", "port", "healthy", "pss_mib", "restarts", "pid"}
        assert rows["market-data"]["restarts"] == 1
        commands.logs(tree, service="market-data", tail=5)
        assert "started" in capsys.readouterr().out
        commands.status(tree)
        assert "MiB in all" in capsys.readouterr().out
    finally:
        commands.down(tree)
    assert processes_of(tmp_path / "state") == []


def test_ordinary_processes_can_be_had_too(tree):
    """The launcher that the forkserver is measured against."""
    with Platform(tree, services=["risk", "users"], launcher="subprocess") as platform:
        platform.restart("risk")
        seat = platform.seat
        assert all(row.healthy for row in platform.status())
    assert processes_of(seat) == []
