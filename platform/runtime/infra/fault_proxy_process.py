"""The process of the fault proxy: TCP links that can be slowed, silenced and cut. See `fault_proxy`."""

import asyncio
import random
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from runtime.infra.control import ControlServer, read_configuration, report_ready

_CHUNK = 64 * 1024
_CALL_SECONDS = 10.0
# Chunks under way in one direction: keeps a delayed stream fast, and a stuck one small.
_CHUNKS_UNDER_WAY = 256
# Close at once with a reset instead of waiting for the other side.
_LINGER_ZERO = struct.pack("ii", 1, 0)


class Link:
    """One listening port in front of one target, and what is wrong with the way between."""

    def __init__(self, name: str, host: str, port: int, generator: random.Random) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.delays = {"request": 0.0, "reply": 0.0}
        self.drop_ratio = 0.0
        self.open_way = asyncio.Event()
        self.open_way.set()
        self._random = generator
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int) -> int:
        """Listens on `port`, 0 for a free one; returns the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=_CHUNK)
        return int(self._server.sockets[0].getsockname()[1])

    def loses(self) -> bool:
        """Whether the next chunk is lost."""
        return self.drop_ratio > 0 and self._random.random() < self.drop_ratio

    def reset_connections(self) -> int:
        """Cuts all connections with a reset; returns how many."""
        count = len(self._connections)
        for connection in tuple(self._connections):
            connection.reset()
        return count

    def heal(self) -> None:
        self.delays = {"request": 0.0, "reply": 0.0}
        self.drop_ratio = 0.0
        self.open_way.set()

    def facts(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "target": f"{self.host}:{self.port}",
            "connections": len(self._connections),
            "delay_ms": {way: seconds * 1000 for way, seconds in self.delays.items()},
            "drop_ratio": self.drop_ratio,
            "black_hole": not self.open_way.is_set(),
        }

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)


class _Connection:
    """One client's connection and the one to the target that belongs to it."""

    def __init__(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._link = link
        self._reader = reader
        self._writer = writer
        self._target: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._lost = False

    async def run(self) -> None:
        self._task = asyncio.ensure_future(self._relay())
        try:
            await self._task
        except (OSError, asyncio.CancelledError):
            self._abort()  # the other side is told as it happened here: with a reset
        finally:
            for writer in self._writers():
                writer.close()

    def reset(self) -> None:
        self._abort()
        if self._task is not None:
            self._task.cancel()

    async def _relay(self) -> None:
        await self._link.open_way.wait()
        target_reader, self._target = await asyncio.open_connection(
            self._link.host, self._link.port, limit=_CHUNK
        )
        for writer in self._writers():
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.TaskGroup() as ways:
            ways.create_task(self._stream(self._reader, self._target, "request"))
            ways.create_task(self._stream(target_reader, self._writer, "reply"))

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        """Carries one direction: a reader stamps each chunk with when it is due, a writer keeps to it."""
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS_UNDER_WAY)
        sender = asyncio.ensure_future(self._send(chunks, writer))
        try:
            await self._receive(reader, chunks, way, sender)
        finally:
            sender.cancel()

    async def _receive(
        self,
        reader: asyncio.StreamReader,
        chunks: asyncio.Queue[tuple[float, bytes]],
        way: str,
        sender: asyncio.Future[None],
    ) -> None:
        clock = asyncio.get_running_loop().time
        data = b"-"
        while data:
            data = await reader.read(_CHUNK)
            if data and self._link.loses():
                self._lost = True
            putting = asyncio.ensure_future(chunks.put((clock() + self._link.delays[way], data)))
            await asyncio.wait({putting, sender}, return_when=asyncio.FIRST_COMPLETED)
            if sender.done():
                putting.cancel()
                break
        await sender

    async def _send(self, chunks: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await chunks.get()
            await asyncio.sleep(max(0.0, due - clock()))
            await self._link.open_way.wait()
            if not data:
                break
            # TCP has no holes: what follows a lost chunk does not arrive either.
            if not self._lost:
                writer.write(data)
                await writer.drain()
        if not self._lost and writer.can_write_eof():
            writer.write_eof()

    def _abort(self) -> None:
        for writer in self._writers():
            connection = writer.get_extra_info("socket")
            if connection is not None and connection.fileno() >= 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            writer.transport.abort()

    def _writers(self) -> list[asyncio.StreamWriter]:
        return [self._writer] if self._target is None else [self._writer, self._target]


class Proxy:
    """All links, with the calls of the control channel; these come from another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int) -> None:
        self._loop = loop
        self._seed = seed
        self._by_name: dict[str, Link] = {}

    def handlers(self) -> dict[str, Callable[..., Any]]:
        names = ("add_link", "delay", "drop", "black_hole", "reset_connections", "heal", "links")
        return {name: self._on_loop(getattr(self, f"_{name}")) for name in names}

    def _on_loop(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def run(**arguments: Any) -> Any:
            result = function(**arguments)
            return await result if asyncio.iscoroutine(result) else result

        def call(**arguments: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(run(**arguments), self._loop).result(_CALL_SECONDS)

        return call

    async def _add_link(self, name: str, target_host: str, target_port: int, port: int = 0) -> int:
        if name in self._by_name:
            raise ValueError(f"there is a link {name} already")
        # The same faults befall the same link in every run with the same seed.
        link = Link(name, target_host, target_port, random.Random(f"{self._seed} {name}"))  # noqa: S311
        listening = await link.listen(port)
        self._by_name[name] = link
        return listening

    def _delay(self, name: str, ms: float, way: str) -> None:
        link = self._link(name)
        if way not in link.delays:
            raise ValueError(f"no such way: {way}; there are request and reply")
        link.delays[way] = ms / 1000

    def _drop(self, name: str, ratio: float) -> None:
        self._link(name).drop_ratio = ratio

    def _black_hole(self, name: str) -> None:
        self._link(name).open_way.clear()

    def _reset_connections(self, name: str) -> int:
        return self._link(name).reset_connections()

    def _heal(self, name: str | None = None) -> None:
        for link in self._by_name.values() if name is None else [self._link(name)]:
            link.heal()

    def _links(self) -> list[dict[str, Any]]:
        return [link.facts() for link in self._by_name.values()]

    def _link(self, name: str) -> Link:
        if name not in self._by_name:
            raise ValueError(f"no link {name}; there are {', '.join(self._by_name) or 'none'}")
        return self._by_name[name]


async def main() -> None:
    """Runs the links until the owner ends or asks to stop."""
    configuration = read_configuration()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, sys.exit, 0)
    control = ControlServer(Proxy(loop, configuration["seed"]).handlers(), configuration["token"])
    control.start()
    report_ready(control_port=control.port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
