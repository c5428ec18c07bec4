"""Distributed traces: OpenTelemetry spans, W3C context in HTTP and Kafka headers.

Spans are appended to a file as JSON lines the moment they end. Each is one `write` on a descriptor opened for
appending, so a killed process loses only the spans that were still open.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from random import getrandbits
from time import time_ns
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, MutableMapping

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span, Tracer

    Headers = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes | None]]

INTERNAL, SERVER, CLIENT = SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT
PRODUCER, CONSUMER = SpanKind.PRODUCER, SpanKind.CONSUMER

_to_json = json.JSONEncoder(separators=(",", ":"), default=str).encode
_propagator = TraceContextTextMapPropagator()


class TracingSettings(Protocol):
    @property
    def service(self) -> str: ...
    @property
    def trace_file(self) -> str | None: ...


def make_tracer(service: str, *processors: SpanProcessor) -> Tracer:
    """A tracer that hands each ended span to `processors`."""
    provider = TracerProvider(
        sampler=ALWAYS_ON, resource=Resource({"service.name": service}), shutdown_on_exit=False
    )
    for processor in processors:
        provider.add_span_processor(processor)
    return provider.get_tracer("nexustrade")


# Without a file, spans still have identities, so that logs and headers carry the trace.
_tracer: Tracer = make_tracer("unconfigured")
_lines: JsonLinesProcessor | None = None


def configure_tracing(settings: TracingSettings) -> None:
    """Name this process's spans after its service; append them to `settings.trace_file` if there is one."""
    global _tracer, _lines  # noqa: PLW0603 - one tracer per process
    file = settings.trace_file
    _lines = JsonLinesProcessor(file, settings.service) if file else None
    _tracer = make_tracer(settings.service, *([_lines] if _lines else []))


@contextmanager
def span(
    name: str, /, *, kind: SpanKind = INTERNAL, parent: Context | None = None, **attributes: Any
) -> Iterator[Span]:
    """Run the block inside a span; an exception marks the span as failed and goes on.

    `parent` continues a trace that came in headers (`extract`); by default the current span is the parent.
    """
    current = _tracer.start_span(
        name, context=parent, kind=kind, attributes=attributes, record_exception=False
    )
    token = attach(trace.set_span_in_context(current, parent))
    try:
        yield current
    except Exception as error:
        current.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        detach(token)
        current.end()


@contextmanager
def leaf_span(name: str) -> Iterator[None]:
    """Like `span`, for work in which no other span begins, at a fraction of its cost.

    Outside any span it writes nothing.
    """
    ids = current_span_ids() if _lines is not None else None
    if _lines is None or ids is None:
        yield
        return
    trace_id, parent_id = ids
    start, status = time_ns(), "ok"
    try:
        yield
    except Exception:
        status = "error"
        raise
    finally:
        span_id = f"{getrandbits(64) or 1:016x}"  # a name, no secret
        _lines.write(trace_id, span_id, parent_id, name, start, time_ns(), status, {})


def fail_span(current: Span, reason: str) -> None:
    """Mark a span as failed when no exception leaves it (an answer of status 500)."""
    current.set_status(Status(StatusCode.ERROR, reason))


def inject(headers: MutableMapping[str, str]) -> MutableMapping[str, str]:
    """Write the current trace context (`traceparent`, `tracestate`) into `headers`, and return them."""
    _propagator.inject(headers)
    return headers


def extract(headers: Headers) -> Context:
    """The trace context in HTTP headers or in Kafka's (name, bytes) pairs; empty where there is none."""
    pairs = headers.items() if hasattr(headers, "items") else headers
    carrier = {
        name.lower(): value.decode("latin-1") if isinstance(value, bytes) else value
        for name, value in pairs
        if value is not None and name.lower() in _propagator.fields
    }
    return _propagator.extract(carrier, context=Context())


def trace_id_of(headers: Headers) -> str | None:
    """The trace id that headers carry (32 hex digits), or None."""
    context = trace.get_current_span(extract(headers)).get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def current_trace_id() -> str | None:
    """The trace id of the current span (32 hex digits), or None outside any span."""
    ids = current_span_ids()
    return ids[0] if ids else None


def current_span_ids() -> tuple[str, str] | None:
    """(trace id, span id) in hex, or None outside any span."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


class JsonLinesProcessor(SpanProcessor):
    """Appends each ended span to a file as one JSON line."""

    def __init__(self, path: str, service: str) -> None:
        self._service = service
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def on_end(self, span: ReadableSpan) -> None:
        context = span.context
        self.write(
            f"{context.trace_id:032x}",
            f"{context.span_id:016x}",
            f"{span.parent.span_id:016x}" if span.parent else None,
            span.name,
            span.start_time or 0,
            span.end_time or 0,
            "error" if span.status.status_code is StatusCode.ERROR else "ok",
            dict(span.attributes or {}),
        )

    def write(
        self,
        trace_id: str,
        span_id: str,
        parent_id: str | None,
        name: str,
        start: int,
        end: int,
        status: str,
        attributes: dict[str, Any],
    ) -> None:
        """Append one span; `start` and `end` are Unix nanoseconds here, and seconds in the file."""
        record = {
            "trace_id": trace_id,
            "span_id": span_id,
            "parent_id": parent_id,
            "name": name,
            "service": self._service,
            "start": start / 1e9,
            "end": end / 1e9,
            "status": status,
            "attributes": attributes,
        }
        os.write(self._file, _to_json(record).encode() + b"\n")

    def shutdown(self) -> None:
        os.close(self._file)
