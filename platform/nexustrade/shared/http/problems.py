"""Problem documents (RFC 9457): the one form in which every service tells of an error."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.errors import NexusError, ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "https://nexustrade.example/problems/"

_RESERVED = frozenset({"type", "title", "status", "detail", "instance", "errors"})


def problem(status: int, type: str, title: str, detail: str, **extensions: Any) -> dict[str, Any]:  # noqa: A002 - RFC 9457's word
    """The body of an `application/problem+json` answer; `type` is a slug such as "limit-exceeded"."""
    return {"type": TYPE_PREFIX + type, "title": title, "status": status, "detail": detail, **extensions}


def problem_of(error: NexusError) -> dict[str, Any]:
    """The problem that describes a domain error; its fields become extension members.

    An error without a public status (500) keeps its message and fields to the log.
    """
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and type(error).status == NexusError.status:
        return internal_problem()
    extensions = {name: _plain(value) for name, value in error.fields.items() if name not in _RESERVED}
    if isinstance(error, ValidationFailed):
        extensions["errors"] = [{"field": error.field or "", "message": error.message}]
    return problem(error.status, error.problem_type, error.title, error.message, **extensions)


def validation_problem(errors: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The problem for pydantic's error list; each error names its field as a dotted path ("legs.0.price")."""
    found = [{"field": _field(error["loc"]), "message": error["msg"]} for error in errors]
    detail = "; ".join(f"{entry['field']}: {entry['message']}" for entry in found)
    title = ValidationFailed.title
    return problem(ValidationFailed.status, ValidationFailed.problem_type, title, detail, errors=found)


def status_problem(status: int, detail: str = "") -> dict[str, Any]:
    """The problem for a bare HTTP status, such as a router's 404 or 405."""
    phrase = HTTPStatus(status).phrase
    return problem(status, phrase.lower().replace(" ", "-").replace("'", ""), phrase, detail or phrase)


def internal_problem() -> dict[str, Any]:
    """The problem for an error nobody foresaw; what happened stays in the log, under the trace id."""
    return problem(500, NexusError.problem_type, NexusError.title, "The error has been logged.")


# Where pydantic's location starts with the part of the request, which is no part of the field's name.
_PARTS = frozenset({"body", "query", "path", "header", "cookie", "form"})


def _field(location: Iterable[Any]) -> str:
    steps = [str(step) for step in location]
    if steps and steps[0] in _PARTS:
        steps = steps[1:]
    return ".".join(steps)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | bool | list | dict | None) else str(value)
