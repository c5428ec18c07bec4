"""What an OpenAPI document says of refusals; frameworks know of none, or of some that no service sends.

Which statuses an operation may end with follows from what it is: whether it reads a body, takes parameters,
names something, or changes something.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.errors import (
    Conflict,
    DeadlineExceeded,
    DependencyUnavailable,
    Forbidden,
    NotFound,
    RateLimited,
    Unauthenticated,
    ValidationFailed,
)
from shared.http.problems import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Document = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
_JSON = "application/json"
_REFERENCE = re.compile(r"(^|_)(id|account|symbol)$")

_TITLES = {
    each.status: each.title
    for each in (
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        ValidationFailed,
        RateLimited,
        DependencyUnavailable,
        DeadlineExceeded,
    )
}
_PROBLEM = {
    "title": "Problem",
    "description": "RFC 9457; members that are not named here say more about the one problem.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}
# FastAPI's own word on a 422; no service answers so.
_UNUSED = ("HTTPValidationError", "ValidationError")


def describe_refusals(document: Document) -> Document:
    """Adds to each operation the problem documents that it may end with, and who may call it.

    Changes the document of a service behind service tokens in place, and returns it.
    """
    add_problem_schema(document)
    components = document["components"]
    for name in _UNUSED:
        components["schemas"].pop(name, None)
    schemes = components.setdefault("securitySchemes", {})
    for method, operation in _operations(document):
        if "security" not in operation:
            schemes.setdefault("ServiceTokenAuth", {"type": "http", "scheme": "bearer"})
            operation["security"] = [{"ServiceTokenAuth": []}]
        declared = {str(status): answer for status, answer in operation["responses"].items()}
        statuses = sorted(_refusals(method, operation, components["schemas"]))
        operation["responses"] = declared | problem_answers(*statuses)
    return document


def problem_answers(*statuses: int) -> Document:
    """The `responses` of an operation for these statuses; the document needs the schema of problems."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        str(status): {
            "description": _TITLES.get(status, HTTPStatus(status).phrase),
            "content": {CONTENT_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def add_problem_schema(document: Document) -> None:
    """Adds what `problem_answers` refers to."""
    document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for item in document["paths"].values():
        for method in METHODS:
            if method in item:
                yield method, item[method]


def _refusals(method: str, operation: Document, schemas: Mapping[str, Any]) -> set[int]:
    found = {
        Unauthenticated.status,
        Forbidden.status,
        DependencyUnavailable.status,
        DeadlineExceeded.status,
    }
    parameters = operation.get("parameters", [])
    content = operation.get("requestBody", {}).get("content", {})
    names = {each["name"] for each in parameters} | {
        name for body in content.values() for name in _members(body.get("schema", {}), schemas, frozenset())
    }
    if parameters or content:
        found.add(ValidationFailed.status)
    if _JSON in content:
        found.add(int(HTTPStatus.BAD_REQUEST))
    if any(each["in"] == "path" for each in parameters) or any(map(_REFERENCE.search, names)):
        found.add(NotFound.status)
    if method != "get":
        found.add(Conflict.status)
    return found


def _members(schema: Document, schemas: Mapping[str, Any], seen: frozenset[str]) -> Iterator[str]:
    """The names of all members of a schema, however deep."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name and name not in seen:
        yield from _members(schemas[name], schemas, seen | {name})
    for member, inner in schema.get("properties", {}).items():
        yield member
        yield from _members(inner, schemas, seen)
    items = [schema["items"]] if "items" in schema else []
    for inner in (*schema.get("anyOf", ()), *schema.get("allOf", ()), *items):
        yield from _members(inner, schemas, seen)
