from __future__ import annotations

from typing import Any

import pytest

from shared.http.openapi import describe_refusals
from shared.http.problems import CONTENT_TYPE, problem

pytestmark = pytest.mark.services("auth", "users", "orders", "risk", "market-data")

ACCOUNT = {"in": "path", "name": "account_id", "required": True, "schema": {"type": "string"}}
LIMIT = {"in": "query", "name": "limit", "schema": {"type": "integer"}}
ALWAYS = {"200", "401", "403", "503", "504"}


def operation(method: str, **members: Any) -> dict[str, Any]:
    """The operation after its document was described; `schemas` are the document's."""
    schemas = members.pop("schemas", {})
    members.setdefault("responses", {200: {"description": "OK"}})
    document = {"paths": {"/v1/x": {method: members}}, "components": {"schemas": schemas}}
    return describe_refusals(document)["paths"]["/v1/x"][method]


def body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


@pytest.mark.parametrize(
    ("method", "members", "more"),
    [
        ("get", {}, set()),
        ("get", {"parameters": [LIMIT]}, {"422"}),
        ("get", {"parameters": [ACCOUNT]}, {"404", "422"}),
        ("delete", {"parameters": [ACCOUNT]}, {"404", "409", "422"}),
        ("post", {"requestBody": body({"properties": {"amount": {}}})}, {"400", "409", "422"}),
        ("post", {"requestBody": body({"properties": {"account_id": {}}})}, {"400", "404", "409", "422"}),
    ],
)
def test_refusals_follow_from_what_an_operation_is(method: str, members: dict[str, Any], more: set) -> None:
    """Reading a body, taking parameters, naming something and changing something each have refusals."""
    assert set(operation(method, **members)["responses"]) == ALWAYS | more


def test_names_are_found_however_deep() -> None:
    """A symbol in a leg of a list, behind references that refer to each other, is a name as well."""
    schemas = {
        "Spread": {"properties": {"legs": {"type": "array", "items": {"$ref": "#/components/schemas/Leg"}}}},
        "Leg": {
            "properties": {
                "symbol": {"type": "string"},
                "spread": {"anyOf": [{"$ref": "#/components/schemas/Spread"}, {"type": "null"}]},
            }
        },
    }
    request = body({"$ref": "#/components/schemas/Spread"})
    assert "404" in operation("post", requestBody=request, schemas=schemas)["responses"]


def test_refusals_are_problem_documents() -> None:
    """A framework's own word on a refusal gives way to the problem that services send."""
    theirs = {
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}}
    }
    document = {
        "paths": {"/v1/x": {"get": {"parameters": [LIMIT], "responses": {"422": theirs}}}},
        "components": {"schemas": {"HTTPValidationError": {"type": "object"}}},
    }
    described = describe_refusals(document)
    answer = described["paths"]["/v1/x"]["get"]["responses"]["422"]
    assert answer["content"] == {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert set(described["components"]["schemas"]) == {"Problem"}
    sent = problem(422, "validation-failed", "The request is not valid", "no")
    assert set(described["components"]["schemas"]["Problem"]["required"]) <= set(sent)


def test_operation_says_that_it_needs_a_token() -> None:
    """An operation that names no security of its own needs a service token; one that does keeps it."""
    assert operation("get")["security"] == [{"ServiceTokenAuth": []}]
    assert operation("get", security=[{"InternalAuth": []}])["security"] == [{"InternalAuth": []}]
