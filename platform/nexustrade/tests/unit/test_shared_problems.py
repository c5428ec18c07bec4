from __future__ import annotations

from decimal import Decimal

import pytest

from shared.errors import DependencyUnavailable, LimitExceeded, NexusError, ValidationFailed
from shared.http.problems import TYPE_PREFIX, problem, problem_of, status_problem, validation_problem

pytestmark = pytest.mark.services("gateway", "orders", "risk")


def test_problem_has_the_members_of_rfc_9457() -> None:
    """Type is a stable URL, the rest speaks of this case; extensions stand beside them."""
    body = problem(409, "limit-exceeded", "Limit exceeded", "no room", order_id="o-1")
    assert body == {
        "type": f"{TYPE_PREFIX}limit-exceeded",
        "title": "Limit exceeded",
        "status": 409,
        "detail": "no room",
        "order_id": "o-1",
    }


def test_domain_error_keeps_its_fields_as_plain_json() -> None:
    """Decimals leave as text, and no field overwrites a member of the problem."""
    body = problem_of(LimitExceeded("no room", limit=Decimal("10.50"), status="x"))
    assert body["limit"] == "10.50"
    assert body["status"] == 409


def test_validation_error_names_its_field() -> None:
    """The client learns which part of the input to mend."""
    body = problem_of(ValidationFailed("must be positive", field="quantity"))
    assert body["status"] == 422
    assert body["errors"] == [{"field": "quantity", "message": "must be positive"}]


def test_schema_errors_become_dotted_paths() -> None:
    """The part of the request does not belong to the field's name."""
    body = validation_problem(
        [
            {"loc": ("body", "legs", 0, "price"), "msg": "not a decimal"},
            {"loc": ("query", "limit"), "msg": "too large"},
        ]
    )
    assert [error["field"] for error in body["errors"]] == ["legs.0.price", "limit"]


def test_unforeseen_error_tells_nothing_of_its_inside() -> None:
    """A message that may hold secrets stays in the log."""
    body = problem_of(NexusError("password=hunter2", table="users"))
    assert body["status"] == 500
    assert "hunter2" not in str(body)
    assert "table" not in body


def test_unavailable_dependency_is_a_503_and_not_hidden() -> None:
    """A client may know that it is worth coming back."""
    body = problem_of(DependencyUnavailable("risk does not answer", target="risk"))
    assert (body["status"], body["target"]) == (503, "risk")


def test_bare_status_has_a_type_of_its_own() -> None:
    """Even a router's refusal can be told by its type."""
    assert status_problem(405)["type"] == f"{TYPE_PREFIX}method-not-allowed"
