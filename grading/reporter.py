"""A pytest plugin that writes what happens to a file, one JSON object a line, as it happens.

Lines: `{"event": "collected", "tests": [{"id", "category", "services"}]}`, then per test
`{"event": "result", "id", "outcome", "seconds", "message", "assertion"}`, and last
`{"event": "finished", "status"}`; in between `{"event": "infrastructure", "reason"}` when the machine
that the tests run on broke, and not the tree. `assertion` tells whether the test failed by an assertion
in its own body. Loaded with `-p grading.reporter`; the file comes from `--report-file`.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, TextIO, TypeGuard

import pytest

from runtime.errors import RuntimeFault, ServiceFailed

_GRACE_SECONDS = 10.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--report-file", default=None, help="where to write the results, as JSON lines")


def pytest_configure(config: pytest.Config) -> None:
    target = config.getoption("--report-file")
    owner = os.environ.pop("NEXUS_REPORT_OWNER", None)
    if owner:
        threading.Thread(target=_end_with, args=(int(owner),), daemon=True).start()
    if target:
        config.pluginmanager.register(Reporter(Path(target)), "grading-reporter")


def _end_with(owner: int) -> None:
    """Ends this run when the process that asked for it is gone: nobody would read the result."""
    while os.getppid() == owner:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)
    # An interrupt that meets a finaliser is lost; platforms of this process end with it either way.
    time.sleep(_GRACE_SECONDS)
    os._exit(130)


def _is_infrastructure(excinfo: pytest.ExceptionInfo[BaseException] | None) -> TypeGuard[Any]:
    """Tells a broken machine from a broken tree: a service that does not come up is the tree's matter."""
    return (
        excinfo is not None
        and excinfo.errisinstance(RuntimeFault)
        and not excinfo.errisinstance(ServiceFailed)
    )


def node_id(item_id: str) -> str:
    """The id as a manifest has it, from `tests/` on, wherever pytest was started."""
    head, separator, tail = item_id.partition("tests/")
    return f"tests/{tail}" if separator and not head.strip("./") else item_id


def describe(item: pytest.Item) -> dict[str, Any]:
    """One line of a manifest for a collected test."""
    marker = item.get_closest_marker("services")
    identity = node_id(item.nodeid)
    return {
        "id": identity,
        "category": identity.split("/")[1] if identity.count("/") > 1 else "unit",
        "services": sorted(marker.args) if marker else [],
    }


class Reporter:
    """Collects the phases of each test into one outcome."""

    def __init__(self, target: Path) -> None:
        self._stream: TextIO = target.open("a", encoding="utf-8")
        self._phases: dict[str, dict[str, Any]] = {}

    def _write(self, **line: Any) -> None:
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._write(event="collected", tests=[describe(item) for item in session.items])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        state = self._phases.setdefault(item.nodeid, {"seconds": 0.0, "outcome": "passed", "message": ""})
        state["seconds"] += report.duration
        if report.failed:
            failed_before = state["outcome"] != "passed"
            state["outcome"] = "failed" if report.when == "call" and not failed_before else "error"
            if not failed_before:  # what fails after it, in the teardown, is a consequence
                state["assertion"] = report.when == "call" and bool(
                    call.excinfo and call.excinfo.errisinstance((AssertionError, pytest.fail.Exception))
                )
            if report.when == "setup" and _is_infrastructure(call.excinfo):
                self._write(event="infrastructure", reason=str(call.excinfo.value).splitlines()[0])
            if not state["message"] and call.excinfo is not None:
                state["message"] = call.excinfo.exconly(tryshort=True)[:2000]
        elif report.skipped and state["outcome"] == "passed":
            state["outcome"] = "skipped"
        if report.when == "call":
            state["called"] = True
        return report

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        state = self._phases.pop(nodeid, None)
        if state is None:
            return
        called = state.pop("called", False)
        if state["outcome"] == "passed" and not called:
            state["outcome"] = "error"
        state["seconds"] = round(state["seconds"], 4)
        self._write(event="result", id=node_id(nodeid), **state)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self._write(event="finished", status=int(exitstatus))
        self._stream.close()
