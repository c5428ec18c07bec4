"""The clients of the services behind the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.clients import AsyncBulkhead, AsyncServiceClient
from shared.clients.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.clients import Discovery
    from shared.config import Config, Settings


def make_clients(
    targets: Iterable[str], settings: Settings, discovery: Discovery, config: Config
) -> dict[str, AsyncServiceClient]:
    """A client for each service, with breaker, places and connections of its own."""
    deadline = config.get("gateway.deadline_seconds", float)
    places = config.get("gateway.bulkhead.places", int)
    wait = config.get("gateway.bulkhead.wait_seconds", float)
    return {
        target: AsyncServiceClient(
            target,
            settings,
            discovery,
            transport=PooledTransport(settings.tls, max_connections=places),
            timeout=deadline,
            bulkhead=AsyncBulkhead(target, places, wait=wait),
        )
        for target in targets
    }
