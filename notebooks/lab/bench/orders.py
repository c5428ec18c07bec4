"""Orders accepted through the gateway: rate and tail latency, load generator included."""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from lab.bench import Row, middle
from lab.market import Market
from runtime import Platform

SECONDS = 8.0
ROUNDS = 3
CONNECTIONS = 16
TIMEOUT = 30.0  # seconds for one order


def measure(say: Callable[[str], None]) -> Iterator[Row]:
    """The same flow on forked and on ordinary processes, in turns."""
    flows: dict[str, list[tuple[float, float]]] = {"forkserver": [], "subprocess": []}
    for _ in range(ROUNDS):
        for launcher, found in flows.items():
            found.append(_flow(launcher, say))
    rate, tail = (middle(list(column)) for column in zip(*flows["forkserver"], strict=True))
    peer_rate, peer_tail = (middle(list(column)) for column in zip(*flows["subprocess"], strict=True))
    yield Row(
        name="orders accepted",
        value=rate,
        unit="/s",
        target="≥ 300 /s",
        met=rate >= 300,
        peer="ordinary processes",
        peer_value=peer_rate,
        ratio=rate / peer_rate,
    )
    yield Row(
        name="orders accepted, p99",
        value=tail,
        unit="ms",
        target="≤ 100 ms",
        met=tail <= 100,
        peer="ordinary processes",
        peer_value=peer_tail,
        ratio=peer_tail / tail,
    )


def _flow(launcher: str, say: Callable[[str], None]) -> tuple[float, float]:
    with (
        tempfile.TemporaryDirectory(prefix="nexus-bench-") as folder,
        Platform(seat=Path(folder) / "seat", launcher=launcher) as platform,
    ):
        market = Market(platform)
        symbol = market.new_symbol()
        trader = market.new_trader(limit="1000000000000", cash="0")
        assert trader.client.token is not None
        say(f"orders for {SECONDS:g} s, {launcher}")
        words = [platform.url("gateway"), trader.client.token, trader.account_id, symbol]
        # A process of its own: the load generator must not share our interpreter's lock.
        result = subprocess.run(
            [sys.executable, "-P", "-m", "lab.bench.orders", *words],
            capture_output=True,
            text=True,
            check=True,
        )
        market.close()
    rate, tail = map(float, result.stdout.split())
    return rate, tail


async def _load(url: str, token: str, account_id: str, symbol: str) -> tuple[float, float]:
    """Accepted orders per second, and the 99th percentile of their latency in milliseconds."""
    latencies: list[float] = []
    began = time.monotonic()

    async def worker(number: int) -> None:
        gateway = await _Gateway.connect(url, token)
        count = 0
        while time.monotonic() - began < SECONDS:
            count += 1
            # Bids below the market of each other: they rest, so that every order costs the same.
            body = {
                "account_id": account_id,
                "symbol": symbol,
                "side": "buy",
                "order_type": "limit",
                "time_in_force": "day",
                "quantity": "1",
                "price": f"{10 + (number * 7 + count) % 100 / 100:.2f}",
            }
            sent = time.monotonic()
            status, answer = await gateway.post("/api/v1/orders", body)
            if status != 201:
                raise RuntimeError(f"{status} {answer[:300]!r}")
            latencies.append((time.monotonic() - sent) * 1e3)
        gateway.close()

    await asyncio.gather(*(worker(number) for number in range(CONNECTIONS)))
    took = time.monotonic() - began
    return len(latencies) / took, statistics.quantiles(latencies, n=100)[98]


class _Gateway:
    """One connection that posts JSON: a client of many talents would take a share of the two cores."""

    def __init__(
        self, host: str, token: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._head = f"Host: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, url: str, token: str) -> _Gateway:
        where = urlsplit(url)
        return cls(where.netloc, token, *await asyncio.open_connection(where.hostname, where.port))

    async def post(self, path: str, body: dict[str, str]) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        content = json.dumps(body)
        self._writer.write(
            f"POST {path} HTTP/1.1\r\n{self._head}Idempotency-Key: {uuid.uuid4().hex}\r\n"
            f"Content-Length: {len(content)}\r\n\r\n{content}".encode()
        )
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), TIMEOUT)
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if length is None:
            raise RuntimeError(f"an answer without a length: {head!r}")
        return int(head.split(None, 2)[1]), await self._reader.readexactly(int(length[1]))

    def close(self) -> None:
        self._writer.close()


if __name__ == "__main__":
    print(*asyncio.run(_load(*sys.argv[1:5])))
