from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.calls import SETTINGS
from support.stand_in import StandIn
from support.wait import until

from services.gateway.clients import make_clients
from shared.clients import AsyncServiceClient, NoRoom, StaticDiscovery
from shared.config import load_config

pytestmark = pytest.mark.services("gateway", "notifications", "risk")

PLACES = 4

Clients = dict[str, AsyncServiceClient]


def with_clients(play: Callable[[Clients], Awaitable[None]], *services: StandIn, wait: str = "30") -> None:
    """Plays a scene with the gateway's clients of these services, four places each."""
    variables = {
        "NEXUS__GATEWAY__DEADLINE_SECONDS": "60",
        "NEXUS__GATEWAY__BULKHEAD__PLACES": str(PLACES),
        "NEXUS__GATEWAY__BULKHEAD__WAIT_SECONDS": wait,
    }
    discovery = StaticDiscovery({each.service: [each.instance] for each in services})

    async def run() -> None:
        config = load_config("test", environ=variables)
        clients = make_clients([each.service for each in services], SETTINGS, discovery, config)
        try:
            await play(clients)
        finally:
            for each in services:
                each.gate.set()
            under_way = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*under_way, return_exceptions=True)
            await asyncio.gather(*(client.close() for client in clients.values()))

    asyncio.run(run())


async def arrived(service: StandIn, count: int) -> None:
    """Waits until so many requests are at the service."""
    await asyncio.to_thread(until, lambda: len(service.asked) >= count, message="requests arrive")


def calls(client: AsyncServiceClient, count: int) -> list[asyncio.Task[Any]]:
    return [asyncio.ensure_future(client.request("GET", f"/v1/things/{n}")) for n in range(count)]


def test_a_service_that_hangs_takes_only_its_own_places() -> None:
    """With every place of notifications taken, risk is asked and answers as ever."""
    with StandIn("notifications") as slow, StandIn("risk") as risk:
        slow.gate.clear()

        async def play(clients: Clients) -> None:
            stuck = calls(clients["notifications"], PLACES)
            await arrived(slow, PLACES)
            answers = await asyncio.gather(*calls(clients["risk"], PLACES), return_exceptions=True)
            slow.gate.set()
            assert [getattr(each, "status_code", each) for each in answers] == [200] * PLACES
            assert [each.status_code for each in await asyncio.gather(*stuck)] == [200] * PLACES

        with_clients(play, slow, risk, wait="0.01")


def test_no_more_calls_are_under_way_than_a_service_has_places() -> None:
    """Of ten calls at once, four are at the service, and the rest follow."""
    with StandIn("risk") as risk:
        risk.gate.clear()

        async def play(clients: Clients) -> None:
            waiting = calls(clients["risk"], 10)
            await arrived(risk, PLACES)
            assert len(risk.asked) == PLACES
            risk.gate.set()
            assert [each.status_code for each in await asyncio.gather(*waiting)] == [200] * 10
            assert risk.connections <= PLACES

        with_clients(play, risk)


def test_a_call_that_would_wait_too_long_is_refused() -> None:
    """Beyond the places and the time to wait for one, callers learn at once that there is no room."""
    with StandIn("risk") as risk:
        risk.gate.clear()

        async def play(clients: Clients) -> None:
            stuck = calls(clients["risk"], PLACES)
            await arrived(risk, PLACES)
            with pytest.raises(NoRoom):
                await clients["risk"].request("GET", "/v1/limits")
            risk.gate.set()
            await asyncio.gather(*stuck)
            assert (await clients["risk"].request("GET", "/v1/limits")).status_code == 200

        with_clients(play, risk, wait="0.01")
