"""The FastAPI application that every asynchronous service starts from."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from shared.errors import DeadlineExceeded, NexusError, Unauthenticated
from shared.http import problems
from shared.http.context import QUIET_PATHS, UNMATCHED, Exchange, deadline_of, exchange
from shared.http.openapi import describe_refusals
from shared.observability import metrics
from shared.observability.logging import get_logger
from shared.security import Identity
from shared.security.service_tokens import TokenVerifier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from shared.config import Settings
    from shared.observability import HealthRegistry

    Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

log = get_logger("http")

BEARER = "bearer "


def make_app(
    service: str,
    settings: Settings,
    health: HealthRegistry,
    *,
    lifespan: Lifespan | None = None,
    authenticate: bool = True,
) -> FastAPI:
    """An application with trace, deadline, identity, problem answers, health, metrics and OpenAPI.

    With `authenticate`, the service token of every request that has one is verified, and handlers get the
    caller through the `Caller` dependency, which refuses requests without one. The gateway, which knows users
    by access tokens, turns it off.
    """
    app = _Application(title=service, docs_url=None, redoc_url=None, lifespan=lifespan)
    _add_problem_handlers(app)
    _add_plumbing_routes(app, service, health)
    tokens = TokenVerifier(service, settings.service_token_secret) if authenticate else None
    app.add_middleware(RequestMiddleware, tokens=tokens)
    return app


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return describe_refusals(super().openapi())


def caller(request: Request) -> Identity:
    """Dependency: who calls, by the service token; Unauthenticated without one."""
    identity: Identity | None = request.scope.get("identity")
    if identity is None:
        raise Unauthenticated("a service token is required")
    return identity


Caller = Annotated[Identity, Depends(caller)]


class RequestMiddleware:
    """Trace, deadline, identity, log line and metrics around each HTTP request; WebSockets pass untouched."""

    def __init__(self, app: ASGIApp, *, tokens: TokenVerifier | None) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET_PATHS:
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with exchange(scope["method"], scope["path"], headers) as current:
            answer = _Answer(current, send)
            try:
                await self._handle(scope, receive, answer, headers)
            except NexusError as error:
                await answer.problem(problems.problem_of(error), scope, receive)
            except Exception:
                log.exception("request failed", path=scope["path"])
                await answer.problem(problems.internal_problem(), scope, receive)
            current.route = _route(scope)

    async def _handle(
        self, scope: Scope, receive: Receive, answer: _Answer, headers: Mapping[str, str]
    ) -> None:
        if self._tokens is not None:
            scope["identity"] = self._identity(headers.get("authorization"))
        deadline = deadline_of(headers)
        if deadline is not None and deadline.expired:
            raise DeadlineExceeded("the caller's deadline has passed")
        with deadline.active() if deadline else nullcontext():
            await self._app(scope, receive, answer.send)

    def _identity(self, authorization: str | None) -> Identity | None:
        if authorization is None or self._tokens is None:
            return None
        return self._tokens.verify(bearer_token(authorization))


def bearer_token(authorization: str) -> str:
    """The token in an `Authorization: Bearer …` value; Unauthenticated for any other scheme."""
    if not authorization.lower().startswith(BEARER):
        raise Unauthenticated("a bearer token is required")
    return authorization[len(BEARER) :].strip()


class _Answer:
    """Watches the answer go out, so that a late error does not send a second one."""

    def __init__(self, current: Exchange, send: Send) -> None:
        self._exchange = current
        self._send = send
        self._started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            self._exchange.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-trace-id", self._exchange.trace_id.encode())]
        await self._send(message)

    async def problem(self, body: dict[str, Any], scope: Scope, receive: Receive) -> None:
        if not self._started:
            await problem_response(body)(scope, receive, self.send)


def problem_response(body: dict[str, Any]) -> JSONResponse:
    """A problem document as an answer, with `Retry-After` where the problem says when to come back."""
    headers = {"Retry-After": str(body["retry_after"])} if "retry_after" in body else None
    return JSONResponse(body, body["status"], headers, media_type=problems.CONTENT_TYPE)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", UNMATCHED)


def _add_problem_handlers(app: FastAPI) -> None:
    @app.exception_handler(NexusError)
    async def _domain(_request: Request, error: NexusError) -> Response:
        if error.status >= 500:
            log.warning("request refused", error=error.message, **error.fields)
        return problem_response(problems.problem_of(error))

    @app.exception_handler(RequestValidationError)
    async def _validation(_request: Request, error: RequestValidationError) -> Response:
        return problem_response(problems.validation_problem(error.errors()))

    @app.exception_handler(HTTPException)
    async def _status(_request: Request, error: HTTPException) -> Response:
        return problem_response(problems.status_problem(error.status_code, str(error.detail)))


def _add_plumbing_routes(app: FastAPI, service: str, health: HealthRegistry) -> None:
    @app.get("/health/live", include_in_schema=False)
    async def _live() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/health/ready", include_in_schema=False)
    async def _ready() -> JSONResponse:
        ready, checks = await run_in_threadpool(health.ready)
        body = {"status": "ok" if ready else "degraded", "service": service, "checks": checks}
        return JSONResponse(body, 200 if ready else 503)

    @app.get("/metrics", include_in_schema=False)
    async def _metrics() -> Response:
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)
