"""The errors of the house; only an entry point turns one into an HTTP answer.

NexusError
├── ValidationFailed        422
│   └── InvalidAmount       (shared.money)
├── NotFound                404
├── Conflict                409
├── LimitExceeded           409
├── Forbidden               403
├── Unauthenticated         401
├── RateLimited             429
├── DependencyUnavailable   503
├── DeadlineExceeded        504
├── ConfigError             500  (shared.config.errors)
└── EventError              500  (shared.events.errors)
"""

from __future__ import annotations

from typing import Any, ClassVar


class NexusError(Exception):
    """Base of all domain errors.

    `fields` carries what the error is about (`account_id`, `limit`, …); it ends up in the log line and, as
    extension members, in the problem document, so it must never hold a secret.
    """

    status: ClassVar[int] = 500
    problem_type: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, message: str = "", **fields: Any) -> None:
        super().__init__(message or self.title)
        self.message = message or self.title
        self.fields = fields


class ValidationFailed(NexusError):
    """What came in breaks a rule; `field` names the part of the input."""

    status = 422
    problem_type = "validation-failed"
    title = "The request is not valid"

    def __init__(self, message: str = "", *, field: str | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.field = field


class NotFound(NexusError):
    """The thing does not exist, or the caller may not know that it does."""

    status = 404
    problem_type = "not-found"
    title = "Not found"


class Conflict(NexusError):
    """The request contradicts the present state."""

    status = 409
    problem_type = "conflict"
    title = "Conflict with the present state"


class LimitExceeded(NexusError):
    """An exposure limit leaves no room for the request."""

    status = 409
    problem_type = "limit-exceeded"
    title = "Limit exceeded"


class Forbidden(NexusError):
    """The caller is known and may not do this."""

    status = 403
    problem_type = "forbidden"
    title = "Forbidden"


class Unauthenticated(NexusError):
    """The caller did not prove who he is."""

    status = 401
    problem_type = "unauthenticated"
    title = "Not authenticated"


class RateLimited(NexusError):
    """Too many requests; `retry_after` (seconds) says when to come back."""

    status = 429
    problem_type = "rate-limited"
    title = "Too many requests"


class DependencyUnavailable(NexusError):
    """A service, a store or a broker that the work needs does not answer."""

    status = 503
    problem_type = "dependency-unavailable"
    title = "A dependency is unavailable"


class DeadlineExceeded(NexusError):
    """The caller's time ran out before the work was done."""

    status = 504
    problem_type = "deadline-exceeded"
    title = "Deadline exceeded"
