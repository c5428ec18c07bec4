"""The program of the readers: plans come in, a line of JSON each, and what was read goes out likewise.

The first line says where the service is. Runs with a tree on its path, whose service tokens it uses.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from typing import Any

TOKEN_SECONDS = 3600.0

#: Path, start in Unix seconds, seconds, status.
Seen = tuple[str, float, float, int]


class Reader:
    """One reader with one connection, which he keeps as long as it holds."""

    def __init__(self, door: Door, patience: float) -> None:
        self._door = door
        self._patience = patience
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def connect(self) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                self._door.host, self._door.port, ssl=self._door.tls, limit=1 << 20
            )

    async def read(self, path: str) -> Seen:
        """Status 0 when no answer came in time, or the connection broke."""
        start, begun = time.time(), time.perf_counter()
        try:
            async with asyncio.timeout(self._patience):
                await self.connect()
                status = await self._exchange(path)
        except (OSError, EOFError, ValueError):
            status = 0
            self.close()
        return path, start, time.perf_counter() - begun, status

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, path: str) -> int:
        assert self._streams is not None
        incoming, outgoing = self._streams
        outgoing.write(self._door.request(path))
        head = await incoming.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").lower().split("\r\n")
        fields = dict(line.partition(": ")[::2] for line in lines if line)
        await incoming.readexactly(int(fields.get("content-length", 0)))
        return int(first.split(" ")[1])


class Door:
    """The service's address and what every request to it carries."""

    def __init__(self, where: dict[str, Any]) -> None:
        from shared.security import Identity, service_tokens

        self.host, self.port = where["host"], where["port"]
        self.tls = _context(*where["tls"]) if where["tls"] else None
        self._token = service_tokens.issue(
            "gateway", where["audience"], Identity("reader"), where["secret"], TOKEN_SECONDS
        )

    def request(self, path: str) -> bytes:
        lines = [
            f"GET /v1/market/{path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            f"Authorization: Bearer {self._token}",
        ]
        return "\r\n".join([*lines, "", ""]).encode()


def _context(authority: str, certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority)
    context.load_cert_chain(certificate, key)
    return context


async def at_once(door: Door, plan: dict[str, Any]) -> list[Seen]:
    """All readers are connected before the first of them asks."""
    readers = [Reader(door, plan["patience"]) for _ in plan["paths"]]
    try:
        await asyncio.gather(*(reader.connect() for reader in readers))
        asked = (reader.read(path) for reader, path in zip(readers, plan["paths"], strict=True))
        return list(await asyncio.gather(*asked))
    finally:
        for reader in readers:
            reader.close()


async def steadily(door: Door, plan: dict[str, Any]) -> list[Seen]:
    """Each reader has a rhythm of his own, so that together they ask evenly.

    All are connected, and each path was read once, before they begin.
    """
    seen: list[Seen] = []
    chance = random.Random(plan["seed"])  # noqa: S311 - traffic, no secrets
    readers = [Reader(door, plan["patience"]) for _ in range(plan["readers"])]
    await asyncio.gather(*(reader.connect() for reader in readers))
    await at_once(door, plan)
    begin = time.monotonic()

    async def one(reader: Reader, due: float) -> None:
        while due < begin + plan["seconds"]:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            path = chance.choices(plan["paths"], plan["weights"])[0]
            seen.append(await reader.read(path))
            due = max(due + plan["every"], time.monotonic())
        reader.close()

    await asyncio.gather(*(one(reader, begin + chance.random() * plan["every"]) for reader in readers))
    return seen


async def _carry_out(door: Door, plan: dict[str, Any]) -> list[Seen]:
    return await (steadily(door, plan) if "readers" in plan else at_once(door, plan))


def main() -> None:
    door = Door(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        print(json.dumps(asyncio.run(_carry_out(door, json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
