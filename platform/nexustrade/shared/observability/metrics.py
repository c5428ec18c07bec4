"""Prometheus metrics of this process.

Label values must come from a small closed set (a route, a status, a topic): each distinct value is a series
that Prometheus keeps for good.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONTENT_TYPE = CONTENT_TYPE_LATEST

# Seconds. The fast end is fine-grained: an order is accepted in a few milliseconds.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

M = TypeVar("M", Counter, Gauge, Histogram)

_metrics: dict[str, Counter | Gauge | Histogram] = {}
_lock = Lock()


def counter(name: str, description: str, labels: Sequence[str] = ()) -> Counter:
    """The counter of this name, made on first use."""
    return _once(name, lambda: Counter(name, description, tuple(labels)))


def gauge(name: str, description: str, labels: Sequence[str] = ()) -> Gauge:
    """The gauge of this name, made on first use."""
    return _once(name, lambda: Gauge(name, description, tuple(labels)))


def histogram(
    name: str, description: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = LATENCY_BUCKETS
) -> Histogram:
    """The histogram of this name, made on first use; buckets are upper bounds, seconds by default."""
    return _once(name, lambda: Histogram(name, description, tuple(labels), buckets=tuple(buckets)))


def render() -> bytes:
    """All metrics in the Prometheus text format (`CONTENT_TYPE`)."""
    return generate_latest(REGISTRY)


def _once(name: str, make: Callable[[], M]) -> M:
    with _lock:
        if name not in _metrics:
            _metrics[name] = make()
        return _metrics[name]  # type: ignore[return-value]  # one name has one kind


HTTP_REQUESTS = counter("http_requests_total", "Requests answered", ("method", "route", "status"))
HTTP_DURATION = histogram("http_request_duration_seconds", "Time to answer a request", ("method", "route"))


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request; `route` is the template (`/v1/orders/{order_id}`), never the path."""
    HTTP_REQUESTS.labels(method, route, str(status)).inc()
    HTTP_DURATION.labels(method, route).observe(seconds)
