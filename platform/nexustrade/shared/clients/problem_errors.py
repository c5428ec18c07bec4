"""Turns another service's problem answer back into the error it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared import errors
from shared.http.problems import CONTENT_TYPE, TYPE_PREFIX

if TYPE_CHECKING:
    import httpx

_STANDARD_MEMBERS = frozenset({"type", "title", "status", "detail", "instance", "errors"})

_ERRORS: dict[str, type[errors.NexusError]] = {
    kind.problem_type: kind
    for kind in (
        errors.NotFound,
        errors.Conflict,
        errors.LimitExceeded,
        errors.Forbidden,
        errors.Unauthenticated,
        errors.RateLimited,
        errors.DependencyUnavailable,
        errors.DeadlineExceeded,
    )
}


def raise_for_problem(response: httpx.Response, target: str) -> httpx.Response:
    """The response itself when it is a success; else the error of the house that `target` answered with.

    An answer of 5xx, whatever it holds, means that the dependency failed: DependencyUnavailable.
    """
    if response.is_success:
        return response
    raise _error(response, _body(response), target)


def _error(response: httpx.Response, body: dict[str, Any], target: str) -> errors.NexusError:
    detail = str(body.get("detail", "")) or f"{target} answered {response.status_code}"
    extensions = {name: value for name, value in body.items() if name not in _STANDARD_MEMBERS}
    slug = str(body.get("type", "")).removeprefix(TYPE_PREFIX)
    if slug == errors.ValidationFailed.problem_type:
        first: dict[str, Any] = next(iter(body.get("errors", ())), {})
        return errors.ValidationFailed(detail, **{**extensions, "field": first.get("field")})
    if slug in _ERRORS:
        return _ERRORS[slug](detail, **extensions)
    return errors.DependencyUnavailable(
        f"{target} answered {response.status_code}", target=target, status_code=response.status_code
    )


def _body(response: httpx.Response) -> dict[str, Any]:
    if not response.headers.get("content-type", "").startswith(CONTENT_TYPE):
        return {}
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
