"""The Consul client, from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from shared.config.settings import Settings

REQUEST_TIMEOUT = 5.0  # seconds, besides the wait of a blocking query


def consul_client(settings: Settings, *, timeout: float = REQUEST_TIMEOUT) -> Any:
    """A client for the agent at CONSUL_HTTP_ADDR; it keeps one connection, so use one per thread."""
    from consul import Consul

    url = urlsplit(settings.consul_http_addr)
    return Consul(
        host=url.hostname or "127.0.0.1",
        port=url.port or 8500,
        scheme=url.scheme or "http",
        token=settings.consul_http_token,
        connections_timeout=timeout,
    )
