"""What both frameworks do around a request: trace, deadline, log line, metrics."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.trace import Span

from shared.clients.deadline import HEADER as DEADLINE_HEADER
from shared.clients.deadline import Deadline
from shared.clock import monotonic
from shared.observability.logging import get_logger, own_fields
from shared.observability.metrics import observe_request
from shared.observability.tracing import SERVER, extract, fail_span, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = get_logger("http")

UNMATCHED = "unmatched"

# Asked for every second or so by machines: of no interest in traces and logs.
QUIET_PATHS = frozenset({"/health/live", "/health/ready", "/metrics"})


@dataclass(slots=True)
class Exchange:
    """One request and what became of it; whoever handles it fills in `route` and `status`."""

    method: str
    path: str
    span: Span
    route: str = UNMATCHED
    status: int = 500

    @property
    def trace_id(self) -> str:
        """The trace's id in hex; answers carry it as `X-Trace-Id`, for whoever reports trouble."""
        return f"{self.span.get_span_context().trace_id:032x}"


@contextmanager
def exchange(method: str, path: str, headers: Mapping[str, str]) -> Iterator[Exchange]:
    """Everything between a request's arrival and its answer runs inside this block.

    `headers` needs lower-case names: `traceparent`, `tracestate` and `x-request-deadline` are looked at.
    """
    started = monotonic()
    with own_fields(), span(f"{method} {path}", kind=SERVER, parent=extract(headers)) as current:
        request = Exchange(method, path, current)
        try:
            yield request
        finally:
            _finish(request, monotonic() - started)


def deadline_of(headers: Mapping[str, str]) -> Deadline | None:
    """The deadline that the caller sent, if any."""
    return Deadline.parse(headers.get(DEADLINE_HEADER.lower()))


def _finish(request: Exchange, seconds: float) -> None:
    observe_request(request.method, request.route, request.status, seconds)
    if request.span.is_recording():
        request.span.update_name(f"{request.method} {request.route}")
        request.span.set_attributes({"http.route": request.route, "http.status_code": request.status})
    if request.status >= 500:
        fail_span(request.span, str(request.status))
    log.info(
        "request",
        method=request.method,
        path=request.path,
        status=request.status,
        duration_ms=round(seconds * 1000, 2),
    )
