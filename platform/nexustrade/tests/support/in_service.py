"""Running use cases in a process that is set up like a service: its environment, its Django, its database.

Setting Django up takes most of a second, so one process per service does that once and forks a child for
every call: what a call changes in its process ends with it.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
CALL_SECONDS = 100.0


def run_in_service(platform: Any, service: str, function: str, **arguments: Any) -> Any:
    """Calls `function` ("support.module:name") in such a process; arguments and result travel as JSON.

    The process shares the service's database but serves nothing.
    """
    environment = {**os.environ, **platform.environment(service)}
    for name in ("NEXUS_TRACE_FILE", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    environment["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    answer = _host(service, environment).call(function, arguments)
    assert "result" in answer, f"{function} failed:\n{answer['error'][-4000:]}"
    return answer["result"]


class _Host:
    """The process that waits for calls; it ends when its standard input does, hence with this one."""

    def __init__(self, service: str, environment: dict[str, str]) -> None:
        self.environment = environment
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - lives as long as the host
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.in_service", service],
            env=environment,
            cwd=TESTS.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def serves(self, environment: dict[str, str]) -> bool:
        return self.environment == environment and self._process.poll() is None

    def call(self, function: str, arguments: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([function, arguments]) + "\n")
        self._process.stdin.flush()
        ready, *_ = select.select([self._process.stdout], [], [], CALL_SECONDS)
        line = self._process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        what = "its process has ended" if ready else f"no answer within {CALL_SECONDS:g} s"
        return {"error": f"{what}:\n{self.close()}"}

    def close(self) -> str:
        """Ends the process; returns what it has logged."""
        self._process.kill()
        self._process.communicate()
        self._log.seek(0)
        with self._log:
            return self._log.read()


_hosts: dict[str, _Host] = {}


@atexit.register
def _close_all() -> None:
    for host in _hosts.values():
        host.close()
    _hosts.clear()


def _host(service: str, environment: dict[str, str]) -> _Host:
    """The service's host; another one when the platform is another, or when it has ended."""
    host = _hosts.get(service)
    if host is not None and not host.serves(environment):
        host.close()
        host = None
    if host is None:
        host = _hosts[service] = _Host(service, environment)
    return host


def _serve(service: str) -> None:
    from shared.django.run import prepare

    # Standard output carries answers only; whatever else is written there goes with the log.
    answers_to = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    prepare(service)
    for line in sys.stdin:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            _answer(write, *json.loads(line))
        os.close(write)
        with os.fdopen(read) as answers:
            answer = answers.read()
        _, status = os.waitpid(child, 0)
        print(answer or json.dumps({"error": f"it ended with status {status}"}), file=answers_to, flush=True)


def _answer(write: int, function: str, arguments: dict[str, Any]) -> None:
    from shared.django.databases import connection_scope

    module, name = function.split(":")
    try:
        with connection_scope():
            answer: dict[str, Any] = {"result": getattr(import_module(module), name)(**arguments)}
    except BaseException:  # noqa: BLE001 - the caller is told, whatever it is
        answer = {"error": traceback.format_exc()}
    with os.fdopen(write, "w") as answers:
        json.dump(answer, answers, default=str)
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
