"""Structured logs: one JSON object per line on standard output.

Every line carries `service`, `level`, `event`, `timestamp` (UTC, ISO 8601), `trace_id` and `span_id`
when a span is open, and the fields that `bind` or `bound` put into the current context.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import structlog
from structlog.contextvars import (
    bind_contextvars,
    bound_contextvars,
    clear_contextvars,
    get_contextvars,
    merge_contextvars,
)

from shared.observability.tracing import current_span_ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from structlog.typing import EventDict, Processor, WrappedLogger

# Libraries that tell of each request or of their own start; the service's log already has it.
QUIET_LIBRARIES = {
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "psycopg.pool": logging.WARNING,
    "urllib3": logging.ERROR,
    "uvicorn.error": logging.WARNING,
}


def configure_logging(service: str, *, level: str = "INFO", stream: BinaryIO | None = None) -> None:
    """Send this process's logs, those of libraries included, to `stream` as JSON lines.

    The default stream is standard output. A second call replaces the first.
    """
    output = stream or sys.stdout.buffer
    threshold = logging.getLevelNamesMapping()[level.upper()]
    common = _processors(service)
    structlog.configure(
        processors=[*common, _render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(cast("Any", output)),
        cache_logger_on_first_use=stream is None,
    )
    _route_standard_library(common, output, threshold)


def get_logger(name: str) -> Any:
    """A logger whose lines carry `component: name`. Safe to call at import, before `configure_logging`."""
    return structlog.get_logger(component=name)


def bind(**fields: Any) -> None:
    """Add fields to every later line of the current context (request, event or thread)."""
    bind_contextvars(**fields)


def bound(**fields: Any) -> AbstractContextManager[None]:
    """Add fields to the lines written inside the `with` block."""
    return bound_contextvars(**fields)


@contextmanager
def own_fields() -> Iterator[None]:
    """A context of its own for one piece of work: what is bound inside is forgotten at its end.

    Threads of a server deal with one request after the other; without this, the fields of one would stand on
    the lines of the next.
    """
    before = get_contextvars()
    try:
        yield
    finally:
        clear_contextvars()
        bind_contextvars(**before)


def _processors(service: str) -> list[Processor]:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [
        merge_contextvars,
        add_service,
        _add_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(),
    ]


def _add_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    ids = current_span_ids()
    if ids is not None:
        event["trace_id"], event["span_id"] = ids
    return event


_to_json = structlog.processors.JSONRenderer()


def _render(logger: WrappedLogger, method: str, event: EventDict) -> bytes:
    return cast("str", _to_json(logger, method, event)).encode()


def _route_standard_library(common: list[Processor], output: BinaryIO, threshold: int) -> None:
    handler = _BytesHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.INFO))
    for name, level in QUIET_LIBRARIES.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger("django.request").addFilter(_with_exception)


def _with_exception(record: logging.LogRecord) -> bool:
    """Django tells of each refusal once more; only what it has to say about exceptions is new."""
    return record.exc_info is not None


class _BytesHandler(logging.Handler):
    """Writes each record as one line, with one write, so that lines of several threads stay whole."""

    def __init__(self, output: BinaryIO) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._output.write(self.format(record).encode() + b"\n")
            self._output.flush()
        except Exception:  # noqa: BLE001 - the contract of logging.Handler.emit
            self.handleError(record)
