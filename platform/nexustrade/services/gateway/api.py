"""HTTP: everything under /api."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from services.gateway.headers import towards_client, towards_service
from services.gateway.services import Gateway, PayloadTooLarge
from shared.http import problems
from shared.http.fastapi import problem_response

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI
    from starlette.requests import HTTPConnection, Request

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def add_proxy(app: FastAPI, gateway: Gateway) -> None:
    """Serves /api with `gateway`. A plain route: what FastAPI adds to one is of no use to a proxy."""

    async def proxy(request: Request) -> Response:
        route = gateway.routes.match(request.method, raw_path(request))
        request.scope["route"] = route  # its path is the name in metrics and traces
        identity = await gateway.admit(
            authorization=request.headers.get("authorization"),
            address=address_of(request),
            public=route.public,
        )
        answer = await gateway.forward(
            route=route,
            # The server leaves out the body of an answer to HEAD.
            method="GET" if request.method == "HEAD" else request.method,
            query=request.scope["query_string"].decode("latin-1"),
            headers=towards_service(request.scope["headers"]),
            body=await _body(request, gateway.policy.max_body_bytes),
            identity=identity,
        )
        return _response(answer)

    app.add_route("/api/{path:path}", proxy, methods=METHODS, include_in_schema=False)


def raw_path(connection: HTTPConnection) -> str:
    """The path as it was sent, percent-encoded."""
    path: bytes = connection.scope["raw_path"]
    return path.decode("latin-1")


def address_of(connection: HTTPConnection) -> str:
    """The peer of the connection; what headers say about it is the client's own word."""
    return connection.client.host if connection.client else "unknown"


async def _body(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise PayloadTooLarge(f"a body may have {limit} bytes", limit=limit)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise PayloadTooLarge(f"a body may have {limit} bytes", limit=limit)
    return bytes(body)


def _response(answer: httpx.Response) -> Response:
    kind = answer.headers.get("content-type", "")
    if answer.status_code >= 400 and not kind.startswith(problems.CONTENT_TYPE):
        return problem_response(problems.status_problem(answer.status_code))
    response = Response(answer.content, answer.status_code)
    response.raw_headers += towards_client(answer.headers.raw)
    return response
