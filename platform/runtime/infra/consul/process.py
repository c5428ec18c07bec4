"""The process of the agent."""

import asyncio
import errno
import signal
import sys

from runtime.infra.consul.api import Api
from runtime.infra.consul.http import serve
from runtime.infra.control import read_configuration, report_ready
from runtime.infra.exchange.process import open_feed

_HOST = "127.0.0.1"


async def main() -> None:
    """Serves until the owner ends or asks to stop."""
    configuration = read_configuration()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, sys.exit, 0)
    port = configuration["port"]
    api = Api(
        loop.time,
        token=configuration["token"],
        session_ttl_min=configuration["session_ttl_min"],
        deregister_min=configuration["deregister_min"],
    )
    try:
        server = await serve(api.handle, _HOST, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        report_ready(busy_port=port)
        return
    feed = await open_feed(**configuration["exchange"]) if "exchange" in configuration else {}
    report_ready(port=port, **feed)
    async with server:
        await _expire_for_ever(api)


async def _expire_for_ever(api: Api) -> None:
    clock = asyncio.get_running_loop().time
    longest_sleep = 3600.0
    while True:
        api.expire()
        deadline = api.next_deadline()
        # A change may bring a nearer deadline, so each one ends the wait.
        await api.changes.wait(longest_sleep if deadline is None else max(0.001, deadline - clock()))


if __name__ == "__main__":
    asyncio.run(main())
