"""Counting database statements: a use case runs in a process of its own, on the platform's databases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[2]

PRELUDE = """
import json, sys
from contextlib import ExitStack, contextmanager
from shared.django.run import prepare
prepare("{service}")
from django.db import connections
from shared.django.databases import database_aliases

@contextmanager
def counted():
    statements = []
    def record(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)
    with ExitStack() as stack:
        for alias in database_aliases():
            stack.enter_context(connections[alias].execute_wrapper(record))
        yield statements

"""

EPILOGUE = """
print("RESULT " + json.dumps(result))
for alias in database_aliases():
    connections[alias].close()
    connections[alias].close_pool()
"""


def count_statements(platform: Any, service: str, script: str, timeout: float = 60.0) -> Any:
    """Runs `script` with the service's models at hand; what it leaves in `result`, through JSON.

    `with counted() as statements:` collects the statements on all databases of the service.
    """
    environment = {
        **os.environ,
        "NEXUS_PORT": "1",
        **platform.environment(service),
        "NEXUS_SERVICE": service,
        "PYTHONPATH": str(TREE),
    }
    for name in ("NEXUS_TRACE_FILE", "DJANGO_SETTINGS_MODULE"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE.format(service=service) + script + EPILOGUE],
        cwd=TREE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert results, done.stderr[-3000:] or done.stdout[-3000:]
    return json.loads(results[-1].removeprefix("RESULT "))
