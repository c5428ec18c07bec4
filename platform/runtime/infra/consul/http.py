"""A small HTTP/1.1 server on asyncio: keep-alive, bodies with a length, nothing more."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from runtime.infra.consul.state import ApiError

_HEAD_LIMIT = 32 * 1024
_BODY_LIMIT = 8 * 1024 * 1024
# A client that is gone is noticed at least this often while its query waits.
_GONE_CHECK_SECONDS = 15.0


@dataclass(slots=True)
class Request:
    """One request. `path` is decoded, `query` holds the last value of each parameter."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    gone: Callable[[], bool]

    def json(self) -> Any:
        """The body as JSON, {} when it is empty; ApiError 400 when it is something else."""
        if not self.body.strip():
            return {}
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ApiError(400, f"Request decode failed: {error}") from error


@dataclass(slots=True)
class Answer:
    """What a request is answered: `data` as JSON, unless `raw` is given."""

    data: Any = None
    status: int = 200
    index: int | None = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Answer]]


async def serve(handler: Handler, host: str, port: int) -> asyncio.Server:
    """Listens and answers each request by `handler`. OSError when the port is taken."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await _exchange(handler, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client left, or does not speak HTTP
        finally:
            writer.close()

    return await asyncio.start_server(connection, host, port, limit=_HEAD_LIMIT)


async def _exchange(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """One request and its answer; whether another may follow on the connection."""
    try:
        request = await _read(reader)
    except ApiError as error:
        writer.write(_encode(Answer(raw=error.text.encode(), status=error.status), close=True))
        await writer.drain()
        return False
    if request is None:
        return False
    close = request.headers.get("connection", "").lower() == "close"
    try:
        answer = await handler(request)
    except ApiError as error:
        answer = Answer(raw=error.text.encode(), status=error.status)
    writer.write(_encode(answer, close=close))
    await writer.drain()
    return not close


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *header_lines = head.decode("latin-1").split("\r\n")
    parts = line.split(" ")
    if len(parts) != 3:
        raise ApiError(400, "Bad request line")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (h.partition(":") for h in header_lines if h)
    }
    if "transfer-encoding" in headers:
        raise ApiError(411, "Send the body with a Content-Length")
    length = headers.get("content-length", "0")
    if not length.isdigit():
        raise ApiError(400, "Bad Content-Length")
    if int(length) > _BODY_LIMIT:
        raise ApiError(413, "Request body too large")
    body = await reader.readexactly(int(length))
    path, _, query = parts[1].partition("?")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    return Request(parts[0], unquote(path), parameters, headers, body, reader.at_eof)


def _encode(answer: Answer, *, close: bool) -> bytes:
    is_json = answer.raw is None
    body = json.dumps(answer.data).encode() if answer.raw is None else answer.raw
    headers = {
        "Content-Type": "application/json" if is_json else "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "X-Consul-Knownleader": "true",
        "X-Consul-Lastcontact": "0",
        **answer.headers,
    }
    if answer.index is not None:
        headers["X-Consul-Index"] = str(answer.index)
    if close:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Changes:
    """Lets waiting queries know that something changed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Until the next change, at most so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()


async def blocking(request: Request, changes: Changes, wait: float, query: Callable[[], Answer]) -> Answer:
    """The answer of `query`, once its index is beyond the request's `index`, or `wait` seconds are over."""
    known = int(request.query.get("index") or 0)
    loop = asyncio.get_running_loop()
    end = loop.time() + wait
    answer = query()
    while known > 0 and (answer.index or 0) <= known and loop.time() < end and not request.gone():
        await changes.wait(min(end - loop.time(), _GONE_CHECK_SECONDS))
        answer = query()
    return answer
