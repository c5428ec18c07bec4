"""The pytest plugin of a tree's suite: one platform for the run, platforms of a module's own, a seed.

The platform is that of the seat in NEXUS_SEAT if set, the one at the addresses in NEXUS_URL_… if set, or
one that is started for the run. A tree whose services do not start still gives a complete result: the
tests that need what failed fail at once with its last log lines, the others run.
"""

from __future__ import annotations

import os
import random
import sys
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from runtime import bytecode
from runtime.errors import RuntimeFault
from runtime.platform import Platform
from runtime.seat import state_root
from runtime.tree import correct_tree, is_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULT_SEED = 20_261_124
START_SECONDS = 180.0
# A slow machine is no late answer: tests of deadlines bring deadlines, or platforms, of their own.
PATIENT = {
    "NEXUS__GATEWAY__DEADLINE_SECONDS": "25",
    "NEXUS__GATEWAY__BULKHEAD__WAIT_SECONDS": "20",
    "NEXUS__ORDERS__CREDIT_CHECK__TIMEOUT_SECONDS": "20",
}
# Tests make users by the thousand; a test of what a password costs says so itself.
QUICK = {"NEXUS__AUTH__PASSWORD_HASH__TIME_COST": "1", "NEXUS__AUTH__PASSWORD_HASH__MEMORY_KIB": "512"}
_SHARED = pytest.StashKey[Platform]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("nexus", "the platform under test")
    group.addoption(
        "--seed", type=int, default=DEFAULT_SEED, help="where random values start from (default: %(default)s)"
    )
    group.addoption("--tree", type=Path, default=None, help="the tree to run (default: the root directory)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "services(*names): the services that a test exercises")
    # Patched modules are imported by the tests too: never from bytecode of the code before.
    bytecode.install(_tree(config), state_root() / "bytecode")


def _tree(config: pytest.Config) -> Path:
    given: Path | None = config.getoption("--tree")
    if given is not None:
        return given.resolve()
    return config.rootpath if is_tree(config.rootpath) else correct_tree()


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of the run."""
    value: int = request.config.getoption("--seed")
    return value


@pytest.fixture
def rng(request: pytest.FixtureRequest, seed: int) -> random.Random:
    """Random values of a test: the same for the same seed, whatever else runs."""
    return random.Random(  # noqa: S311  # repeatable is what is asked for
        zlib.crc32(request.node.nodeid.encode()) ^ seed
    )


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """The running platform that the tests of this run share."""
    seat = os.environ.get("NEXUS_SEAT")
    if seat:
        yield Platform.attach(seat)
    elif any(name.startswith("NEXUS_URL_") for name in os.environ):
        yield Platform(backend="external")
    else:
        with _Announced(request.config, "the platform of this run", env=PATIENT) as started:
            platform = started.start()
            request.config.stash[_SHARED] = platform
            yield platform


@pytest.fixture(scope="module")
def own_platform(request: pytest.FixtureRequest) -> Iterator[Callable[..., Platform]]:
    """Starts a platform for this module alone; all that were started are stopped at the module's end.

    `own_platform(links=[("risk", "orders_db")], env={"NEXUS__A__B": "1"}, services=["risk", "auth"])`,
    and whatever else `Platform` takes.
    """
    running: list[_Announced] = []

    def start(**options: Any) -> Platform:
        announced = _Announced(request.config, f"a platform for {request.path.name}", **options)
        running.append(announced)
        return announced.start(strict=True)

    yield start
    for each in running:
        each.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture of the test tries to use what is not there."""
    shared = item.config.stash.get(_SHARED, None)
    if shared is not None and "platform" in getattr(item, "fixturenames", ()):
        _fail_if_down(item, shared)


@pytest.fixture(autouse=True)
def _services_are_up(request: pytest.FixtureRequest) -> None:
    """The same for the test that the platform is started for."""
    if "platform" in request.fixturenames:
        _fail_if_down(request.node, request.getfixturevalue("platform"))


def _fail_if_down(item: Any, platform: Platform) -> None:
    failed = platform.failed
    for marker in item.iter_markers("services") if failed else ():
        for name in marker.args:
            if name in failed:
                pytest.fail(f"{name} did not start. Its last log lines:\n{failed[name]}", pytrace=False)


class _Announced:
    """A platform whose start is told in one line of the test report."""

    def __init__(self, config: pytest.Config, what: str, **options: Any) -> None:
        self._config = config
        self._what = what
        options["env"] = QUICK | (options.get("env") or {})
        self._platform = Platform(tree=_tree(config), **options)

    def start(self, *, strict: bool = False) -> Platform:
        self._say(f"Starting {self._what} … ", end="")
        begin = time.monotonic()
        try:
            self._platform.start(timeout=START_SECONDS, strict=strict)
        except RuntimeFault as fault:
            self._say(f"it failed: {str(fault).splitlines()[0]}")
            raise
        failed = self._platform.failed
        count = len(self._platform.services) - len(failed)
        lacking = f", not {', '.join(sorted(failed))}" if failed else ""
        self._say(f"{count} services in {time.monotonic() - begin:.1f} s{lacking}")
        return self._platform

    def stop(self) -> None:
        self._platform.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _say(self, text: str, end: str = "\n") -> None:
        capture: Any = self._config.pluginmanager.getplugin("capturemanager")
        if capture is None:
            print(text, end=end, file=sys.stderr, flush=True)
            return
        with capture.global_and_fixture_disabled():
            print(text, end=end, file=sys.stderr, flush=True)
