"""Readers of market data, hundreds of them, each with a connection of his own, in a process of their own.

They talk to the service itself, past the gateway, as the house's own algorithms and screens do. The
notebook's process only tells them what to read and hears what they saw, a line of JSON each way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from grading.paths import TREE
from lab.case import Incident
from lab.errors import LabError

SERVICE = "market-data"
#: Seconds after which a reader gives up.
PATIENCE, GREAT_PATIENCE = 5.0, 20.0


class Read(NamedTuple):
    """One answer: what was asked for, when (Unix seconds), how long it took and its status, 0 for none."""

    path: str
    start: float
    seconds: float
    status: int

    @property
    def end(self) -> float:
        return self.start + self.seconds


class Crowd:
    """Readers of one running platform; LabError when their process ends before its time."""

    def __init__(self, incident: Incident) -> None:
        self._platform = incident.platform
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        program = Path(__file__).with_name("readers.py")
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(program)],
            env={**os.environ, "PYTHONPATH": str(TREE), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._tell(_where(self._platform))
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def at_once(self, paths: Sequence[str]) -> list[Read]:
        """As many readers as there are paths, such as "consolidated/ACME"; all ask at the same moment."""
        return self._ask({"paths": list(paths), "patience": GREAT_PATIENCE})

    def steadily(
        self, shares: dict[str, float], *, readers: int, every: float, seconds: float, seed: int = 5
    ) -> list[Read]:
        """Each path is read once; then each reader asks again `every` so many seconds, for `seconds`.

        `shares` maps paths to weights.
        """
        return self._ask(
            {
                "paths": list(shares),
                "weights": list(shares.values()),
                "readers": readers,
                "every": every,
                "seconds": seconds,
                "seed": seed,
                "patience": PATIENCE,
            }
        )

    def _ask(self, plan: dict[str, Any]) -> list[Read]:
        self._tell(plan)
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LabError("the readers' process has ended: see what it said, and run the cell again")
        return [Read(*each) for each in json.loads(line)]

    def _tell(self, words: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(words)}\n")
        self._process.stdin.flush()


def _where(platform: Any) -> dict[str, Any]:
    """Where the service is and what opens its door."""
    address = urlsplit(platform.url(SERVICE))
    credentials = platform.addresses.credentials
    files = [credentials.ca, credentials.certificate, credentials.key] if credentials else None
    return {
        "host": address.hostname,
        "port": address.port,
        "tls": files if address.scheme == "https" else None,
        "audience": SERVICE,
        "secret": platform.environment(SERVICE)["SERVICE_TOKEN_SECRET"],
    }
