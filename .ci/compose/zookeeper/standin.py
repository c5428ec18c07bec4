"""Answers `ruok`, which is all that is asked of ZooKeeper when no Apache Kafka runs on it."""

import asyncio
import os
import signal


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if await reader.read(4) == b"ruok":
        writer.write(b"imok")
        await writer.drain()
    writer.close()


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    port = int(os.environ["ZOOKEEPER_CLIENT_PORT"])
    async with await asyncio.start_server(answer, "0.0.0.0", port):  # noqa: S104 - inside a container
        await stop.wait()


asyncio.run(main())
