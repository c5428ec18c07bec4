"""Logs, metrics, traces and health: what every service shows of itself."""

from shared.observability.health import HealthRegistry
from shared.observability.logging import bind, bound, configure_logging, get_logger, own_fields
from shared.observability.metrics import counter, gauge, histogram
from shared.observability.tracing import (
    configure_tracing,
    current_trace_id,
    extract,
    inject,
    span,
    trace_id_of,
)

__all__ = [
    "HealthRegistry",
    "bind",
    "bound",
    "configure_logging",
    "configure_tracing",
    "counter",
    "current_trace_id",
    "extract",
    "gauge",
    "get_logger",
    "histogram",
    "inject",
    "own_fields",
    "span",
    "trace_id_of",
]
