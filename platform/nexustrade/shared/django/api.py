"""The typed API that every Django service starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.security import HttpBearer

from shared.django.responses import problem_response
from shared.errors import DependencyUnavailable, NexusError, Unauthenticated, ValidationFailed
from shared.http import problems
from shared.http.openapi import describe_refusals
from shared.observability.logging import get_logger

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from ninja.openapi.schema import OpenAPISchema

    from shared.security import Identity

log = get_logger("http")


class ServiceTokenAuth(HttpBearer):
    """Refuses requests without a service token; the middleware has verified the one there is."""

    def __call__(self, request: HttpRequest) -> Identity:
        identity: Identity | None = getattr(request, "identity", None)
        if identity is None:
            raise Unauthenticated("a service token is required")
        return identity

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        raise NotImplementedError("the middleware verifies tokens")


class InternalAuth(ServiceTokenAuth):
    """Keeps an operation to some services, whoever they call for: `auth=InternalAuth("orders")`."""

    def __init__(self, *issuers: str) -> None:
        super().__init__()
        self._issuers = issuers

    def __call__(self, request: HttpRequest) -> Any:
        identity: Identity | None = getattr(request, "identity", None)
        if identity is None:
            raise Unauthenticated("a service token is required")
        identity.require_issuer(*self._issuers)
        return True


class _Api(NinjaAPI):
    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        describe_refusals(document)
        return document


def make_api(service: str, *, version: str = "1") -> NinjaAPI:
    """An API whose operations need a service token and whose errors are problem documents.

    The caller is `request.identity`. /openapi.json describes the operations.
    """
    api = _Api(
        title=service,
        version=version,
        docs_url=None,
        auth=ServiceTokenAuth(),
        urls_namespace=service,
    )
    api.exception_handler(NexusError)(_domain)
    api.exception_handler(ValidationError)(_validation)
    api.exception_handler(Http404)(_not_found)
    api.exception_handler(HttpError)(_http)
    api.exception_handler(DataError)(_unstorable)
    api.exception_handler(OperationalError)(_database)
    api.exception_handler(InterfaceError)(_database)
    api.exception_handler(Exception)(_unforeseen)
    return api


def _domain(_request: HttpRequest, error: NexusError) -> HttpResponse:
    if error.status >= 500:
        log.warning("request refused", error=error.message, problem=error.problem_type, **_loggable(error))
    return problem_response(problems.problem_of(error))


def _validation(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problem_response(problems.validation_problem(map(_without_parameter, error.errors)))


def _without_parameter(entry: dict[str, Any]) -> dict[str, Any]:
    """Ninja puts the name of the handler's parameter before the field's: ("body", "order", "price")."""
    part, *rest = entry["loc"]
    steps = rest[1:] if part in {"body", "form"} and len(rest) > 1 else rest
    return {**entry, "loc": steps}


def _not_found(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return problem_response(problems.status_problem(404))


def _http(_request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem_response(problems.status_problem(error.status_code, error.message))


def _database(_request: HttpRequest, error: Exception) -> HttpResponse:
    log.warning("database unavailable", error=str(error).strip())
    refusal = DependencyUnavailable("the database does not answer", dependency="database", retry_after=1)
    return problem_response(problems.problem_of(refusal))


def _unstorable(_request: HttpRequest, error: Exception) -> HttpResponse:
    log.info("value refused by the database", error=str(error).strip())
    refusal = ValidationFailed("a value is too long, out of range, or holds a NUL character")
    return problem_response(problems.problem_of(refusal))


def _unforeseen(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("request failed", path=request.path, exc_info=error)
    return problem_response(problems.internal_problem())


def _loggable(error: NexusError) -> dict[str, Any]:
    return {name: value for name, value in error.fields.items() if name not in {"error", "problem", "event"}}
