"""The HTTP services as they stand, for tests that hold for every one of them."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from json import dumps
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

NAMES = (
    "gateway",
    "auth",
    "users",
    "orders",
    "matching",
    "risk",
    "settlement",
    "market-data",
    "notifications",
    "audit",
)

# Methods under a path of an OpenAPI document; its other members describe the path.
METHODS = ("get", "post", "put", "delete", "patch")


def every_service(*names: str) -> pytest.MarkDecorator:
    """Runs a test once per service, each case marked with its service."""
    cases = [pytest.param(name, marks=pytest.mark.services(name), id=name) for name in names or NAMES]
    return pytest.mark.parametrize("service", cases)


def ask(
    platform: Any,
    service: str,
    path: str,
    method: str = "GET",
    *,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """One request straight to a service, past the gateway; headers go out as they are, even wrong ones."""
    address = urlsplit(platform.url(service))
    connection = (
        HTTPSConnection(str(address.hostname), address.port, timeout=10.0, context=platform.addresses.tls)
        if address.scheme == "https"
        else HTTPConnection(str(address.hostname), address.port, timeout=10.0)
    )
    content = {} if json is None else {"Content-Type": "application/json"}
    try:
        body = None if json is None else dumps(json)
        connection.request(method, path, body=body, headers={**content, **(headers or {})})
        answer = connection.getresponse()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())
    finally:
        connection.close()


def operations(platform: Any, service: str) -> list[tuple[str, str]]:
    """(method, path) of all operations that a service publishes, with a made-up value for each parameter."""
    document = ask(platform, service, "/openapi.json").json()
    return [
        (method.upper(), _filled(path))
        for path, item in document["paths"].items()
        for method in item
        if method in METHODS
    ]


def _filled(path: str) -> str:
    return "/".join("x" if step.startswith("{") else step for step in path.split("/"))
