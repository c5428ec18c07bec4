"""The platform's own agent on Consul's port; Consul's own command line does not apply."""

import asyncio
import signal

from runtime.infra.consul.api import Api
from runtime.infra.consul.http import serve
from runtime.infra.consul.process import _expire_for_ever

PORT = 8500


async def main() -> None:
    loop = asyncio.get_running_loop()
    api = Api(loop.time, token="", session_ttl_min=10.0, deregister_min=60.0)
    server = await serve(api.handle, "0.0.0.0", PORT)  # noqa: S104 - inside a container
    expiry = loop.create_task(_expire_for_ever(api))
    loop.add_signal_handler(signal.SIGTERM, expiry.cancel)
    async with server:
        try:
            await expiry
        except asyncio.CancelledError:
            return


asyncio.run(main())
