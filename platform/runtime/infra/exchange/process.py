"""Serves a feed: beside the Consul agent of a seat, or as a program of its own under Docker Compose."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

from runtime.infra.consul.http import serve
from runtime.infra.control import ControlServer
from runtime.infra.exchange.feed import CALLS, Feed
from runtime.infra.exchange.prices import Prices

_CALL_SECONDS = 10.0
# A server that nobody refers to may be collected.
_serving: list[asyncio.Server] = []


async def open_feed(seed: int, token: str, host: str = "127.0.0.1", port: int = 0) -> dict[str, Any]:
    """Listens in the running loop; returns the ports of the feed and of its control channel."""
    loop = asyncio.get_running_loop()
    feed = Feed(Prices(seed), time.time)
    server = await serve(feed.handle, host, port)
    control = ControlServer({name: _on_loop(loop, getattr(feed, name)) for name in CALLS}, token)
    control.start()
    _serving.append(server)
    return {
        "exchange_port": int(server.sockets[0].getsockname()[1]),
        "exchange_control_port": control.port,
    }


def _on_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., Any]) -> Callable[..., Any]:
    async def run(**arguments: Any) -> Any:
        return function(**arguments)

    def call(**arguments: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(run(**arguments), loop).result(_CALL_SECONDS)

    return call


async def main() -> None:
    """Serves on port EXCHANGE_PORT of all interfaces, for ever, with nobody to tell it otherwise."""
    seed, port = int(os.environ.get("EXCHANGE_SEED", "0")), int(os.environ.get("EXCHANGE_PORT", "8600"))
    opened = await serve(Feed(Prices(seed), time.time).handle, "0.0.0.0", port)  # noqa: S104 - a container's
    async with opened:
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
