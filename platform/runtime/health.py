"""Asks services over HTTP how they are. The standard library only: the supervisor stays small."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

POLL_SECONDS = 0.03
"""Between two questions to a service that is coming up: short beside its start of about a second."""


def fetch(url: str, timeout: float = 2.0, tls: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    """GETs `url`, an https one with `tls`; (status, body), or OSError when nobody answers in time."""
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=tls)
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=timeout)
    )
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def readiness(url: str, timeout: float = 2.0, tls: ssl.SSLContext | None = None) -> dict[str, Any]:
    """What the service at base address `url` says of itself; {"status": "down"} when it says nothing."""
    try:
        status, body = fetch(f"{url}/health/ready", timeout, tls)
    except OSError as error:
        return {"status": "down", "detail": str(error)}
    try:
        report = json.loads(body)
    except ValueError:
        report = {}
    report = report if isinstance(report, dict) else {}
    return {**report, "status": "ok" if status == 200 else "degraded"}


def is_ready(url: str, timeout: float = 2.0, tls: ssl.SSLContext | None = None) -> bool:
    """Whether the service at base address `url` and what it depends on work."""
    return bool(readiness(url, timeout, tls)["status"] == "ok")


def wait_ready(
    url: str,
    timeout: float,
    gave_up: Callable[[], bool] = lambda: False,
    tls: ssl.SSLContext | None = None,
) -> bool:
    """Waits up to `timeout` seconds until the service at `url` is ready; stops early when `gave_up()`."""
    deadline = time.monotonic() + timeout
    while not is_ready(url, max(0.1, min(3.0, deadline - time.monotonic())), tls):
        if gave_up() or time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def all_ready(urls: Iterable[str], timeout: float = 5.0, tls: ssl.SSLContext | None = None) -> list[bool]:
    """Asks all `urls` at once; the answers in the same order."""
    wanted = list(urls)
    if not wanted:
        return []
    with ThreadPoolExecutor(len(wanted)) as pool:
        return list(pool.map(lambda url: is_ready(url, timeout, tls), wanted))
