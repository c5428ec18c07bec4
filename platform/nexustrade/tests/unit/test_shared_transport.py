from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from shared.clients.blocking import BlockingTransport
from shared.clients.transport import PooledTransport

pytestmark = pytest.mark.services("gateway", "orders")

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"


class Server:
    """Answers each request with the bytes that `reply` gives for it; None hangs up."""

    def __init__(self, reply: Callable[[bytes], Awaitable[bytes | None]]) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.handlers: list[Any] = []
        self._reply = reply

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.handlers.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line[15:])
                        for line in head.lower().split(b"\r\n")
                        if line[:15] == b"content-length:"
                    ),
                    0,
                )
                self.requests.append(head + await reader.readexactly(length))
                answer = await self._reply(self.requests[-1])
                if answer is None:
                    break
                writer.write(answer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


class InThreads(httpx.AsyncBaseTransport):
    """The blocking transport, each request in a thread, so that both go through the same scenes."""

    def __init__(self, **options: Any) -> None:
        self._transport = BlockingTransport(**options)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await asyncio.to_thread(self._transport.handle_request, request)

    async def aclose(self) -> None:
        self._transport.close()


both = pytest.mark.parametrize("transport", [PooledTransport, InThreads], ids=["asynchronous", "blocking"])


@asynccontextmanager
async def serving(
    transport: Callable[..., httpx.AsyncBaseTransport],
    reply: Callable[[bytes], Awaitable[bytes | None]],
    **options: Any,
) -> Any:
    """A server, and a client of it over the transport."""
    server = Server(reply)
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    made = transport(**options)
    async with httpx.AsyncClient(transport=made, base_url=f"http://127.0.0.1:{port}") as client:
        yield server, client
    listening.close()
    await asyncio.wait_for(asyncio.gather(*server.handlers), 10)
    await asyncio.sleep(0)  # the client's own sockets close with the next turn of the loop


def always(answer: bytes | None) -> Callable[[bytes], Awaitable[bytes | None]]:
    async def reply(_request: bytes) -> bytes | None:
        return answer

    return reply


@both
def test_requests_in_a_row_share_a_connection(transport: Callable[..., httpx.AsyncBaseTransport]) -> None:
    """Ten requests one after the other use one connection, and carry their bodies."""

    async def scene() -> None:
        async with serving(transport, always(OK)) as (server, client):
            for number in range(10):
                answer = await client.post("/v1/x?q=1", content=f"body {number}")
                assert (answer.status_code, answer.text) == (200, "ok")
            assert server.connections == 1
            assert server.requests[3].startswith(b"POST /v1/x?q=1 HTTP/1.1\r\n")
            assert server.requests[3].endswith(b"\r\n\r\nbody 3")

    asyncio.run(scene())


@both
def test_an_answer_in_chunks_is_put_together(transport: Callable[..., httpx.AsyncBaseTransport]) -> None:
    """A chunked body arrives whole, and the connection can be used again."""

    async def scene() -> None:
        async with serving(transport, always(CHUNKED)) as (server, client):
            assert [(await client.get("/")).text for _ in range(2)] == ["abcde", "abcde"]
            assert server.connections == 1

    asyncio.run(scene())


@both
def test_a_connection_that_was_closed_is_not_used_again(
    transport: Callable[..., httpx.AsyncBaseTransport],
) -> None:
    """After an answer with `Connection: close` the next request opens a connection of its own."""

    async def scene() -> None:
        async with serving(transport, always(OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))) as (
            server,
            client,
        ):
            for _ in range(2):
                assert (await client.get("/")).text == "ok"
            assert server.connections == 2

    asyncio.run(scene())


@both
def test_an_answer_that_comes_too_late_spoils_its_connection(
    transport: Callable[..., httpx.AsyncBaseTransport],
) -> None:
    """After a time-out the next request never reads the answer to the one before."""

    async def scene() -> None:
        late = asyncio.Event()

        async def reply(request: bytes) -> bytes:
            if b"/slow" in request:
                await late.wait()
            return OK.replace(b"\r\n\r\nok", b"\r\n\r\n" + (b"1 " if b"/slow" in request else b"2 "))

        async with serving(transport, reply) as (server, client):
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/slow", timeout=httpx.Timeout(10.0, read=0.05))
            late.set()
            assert (await client.get("/quick")).text == "2 "
            assert server.connections == 2

    asyncio.run(scene())


@both
def test_failures_are_those_of_httpx(transport: Callable[..., httpx.AsyncBaseTransport]) -> None:
    """A refused connection, a hang-up, rubbish and a full pool each raise httpx's error for it."""

    async def scene() -> None:
        async with serving(transport, always(None)) as (_, client):
            with pytest.raises(httpx.ReadError):
                await client.get("/")
        with pytest.raises(httpx.ConnectError):
            await client_of_nobody()
        async with serving(transport, always(b"no http\r\n\r\n")) as (_, client):
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/")

    async def client_of_nobody() -> None:
        listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        listening.close()
        await listening.wait_closed()
        async with httpx.AsyncClient(transport=transport()) as client:
            await client.get(f"http://127.0.0.1:{port}/")

    asyncio.run(scene())


@both
def test_no_more_connections_than_the_pool_has(transport: Callable[..., httpx.AsyncBaseTransport]) -> None:
    """Requests beyond the size of the pool wait for a free connection, and fail when none comes in time."""

    async def scene() -> None:
        opened, all_in = asyncio.Event(), asyncio.Barrier(3)

        async def reply(_request: bytes) -> bytes:
            if not opened.is_set():
                await all_in.wait()
            await opened.wait()
            return OK

        async with serving(transport, reply, max_connections=2) as (server, client):
            held = [asyncio.ensure_future(client.get("/")) for _ in range(2)]
            await asyncio.wait_for(all_in.wait(), 10)
            with pytest.raises(httpx.PoolTimeout):
                await client.get("/", timeout=httpx.Timeout(5.0, pool=0.05))
            waiting = asyncio.ensure_future(client.get("/"))
            opened.set()
            answers = await asyncio.gather(*held, waiting)
            assert [answer.status_code for answer in answers] == [200] * 3
            assert server.connections == 2

    asyncio.run(scene())
