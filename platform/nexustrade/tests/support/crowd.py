"""Many readers of market data at once, past the gateway, and a look behind what they are shown."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from shared.security import Identity, service_tokens
from support.direct import OperatorClient
from support.wait import until

PATIENCE = 120.0


class Seen(NamedTuple):
    """One answer: status, body, and seconds from the request to its end."""

    status: int
    body: Any
    seconds: float


class Crowd:
    """Readers of one market-data service, each with a connection of his own."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform
        self.operator = OperatorClient(platform, "market-data")
        self._address = urlsplit(platform.url("market-data"))
        self._tls = platform.addresses.tls or None
        self._secret = platform.environment("market-data")["SERVICE_TOKEN_SECRET"]

    def close(self) -> None:
        self.operator.close()

    def get(self, path: str) -> Seen:
        """One reader: "consolidated/ACME"."""
        return self.read_all([path])[0]

    def read_all(self, paths: Sequence[str]) -> list[Seen]:
        """As many readers at once as there are paths."""
        return asyncio.run(self._read_all(paths))

    async def _read_all(self, paths: Sequence[str]) -> list[Seen]:
        token = self.token()
        async with asyncio.timeout(PATIENCE):
            return list(await asyncio.gather(*(self.read(path, token) for path in paths)))

    def token(self) -> str:
        """What a reader shows, for as long as a burst lasts."""
        identity = Identity("reader", tenant="retail")
        return service_tokens.issue("gateway", "market-data", identity, self._secret, ttl=PATIENCE)

    async def read(self, path: str, token: str) -> Seen:
        return (await self._read_in_turn([path], token))[0]

    def read_in_turns(self, paths: Sequence[str], connections: int = 8) -> list[Seen]:
        """Some readers, each of whom reads one path after the other; answers come in no order."""

        async def turns() -> list[list[Seen]]:
            token = self.token()
            async with asyncio.timeout(PATIENCE):
                shares = [paths[start::connections] for start in range(connections)]
                return await asyncio.gather(*(self._read_in_turn(share, token) for share in shares))

        return [seen for share in asyncio.run(turns()) for seen in share]

    async def _read_in_turn(self, paths: Sequence[str], token: str) -> list[Seen]:
        reader, writer = await asyncio.open_connection(
            self._address.hostname, self._address.port, ssl=self._tls
        )
        try:
            return [await self._exchange(reader, writer, path, token) for path in paths]
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, token: str
    ) -> Seen:
        lines = [
            f"GET /v1/market/{path} HTTP/1.1",
            f"Host: {self._address.netloc}",
            f"Authorization: Bearer {token}",
        ]
        begin = time.perf_counter()
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
        body = await reader.readexactly(int(headers["content-length"]))
        return Seen(int(status.split(" ")[1]), json.loads(body), time.perf_counter() - begin)

    # -- behind the scenes ----------------------------------------------------------------------

    def calls(self, symbol: str) -> int:
        """Calls to the exchange feed for quotes of a symbol."""
        count: int = self.platform.exchange.calls(symbol, "quotes")
        return count

    def reads(self, key: str) -> dict[str, int]:
        """Reads of a key by tier, such as "quotes:ACME"."""
        items = self.operator.get("/v1/market/load?top=100").json()["items"]
        return next((each for each in items if each["key"] == key), {"near": 0, "shared": 0})

    def forget(self, symbol: str) -> None:
        answer = self.operator.request("DELETE", f"/v1/market/consolidated/{symbol}")
        assert answer.status_code == 204, answer.text

    def lives(self, kind: str, symbol: str) -> tuple[float, float]:
        """Until when the shared entry is fresh, and until when it may be shown (Unix seconds)."""
        stored = json.loads(self.platform.redis().hget(_name(kind, symbol), "entry"))
        return stored[1], stored[2]

    def age(self, symbol: str, *, fresh_for: float, usable_for: float) -> None:
        """Makes the shared quote of a symbol fresh and usable for so many seconds from now on, or none.

        A copy that the service keeps near is not touched: have the symbol read seldom.
        """
        redis, name = self.platform.redis(), _name("quotes", symbol)
        value, _, _, cost = json.loads(redis.hget(name, "entry"))
        now = time.time()
        redis.hset(name, "entry", json.dumps([value, now + fresh_for, now + usable_for, cost]))

    def expire(self, symbol: str) -> None:
        """The quote is over and may still be shown."""
        self.age(symbol, fresh_for=-1.0, usable_for=600.0)


def wait_until_known(platform: Any) -> None:
    """Waits until market data knows the symbols and reaches the feed; no quote or candle is read for it."""
    crowd = Crowd(platform)
    until(lambda: crowd.get("depth/AAPL").status == 200, message="market data answers")
    crowd.close()


def _name(kind: str, symbol: str) -> str:
    return f"cache:{{{kind}:{symbol}}}"
