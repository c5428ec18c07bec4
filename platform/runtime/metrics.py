"""Reads the Prometheus text that a service publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime import health
from runtime.errors import RuntimeFault

if TYPE_CHECKING:
    import ssl


def read_metrics(url: str, tls: ssl.SSLContext | None = None) -> dict[str, float]:
    """Samples of the service at base address `url`: `name` or `name{label="value",…}` → value."""
    try:
        status, body = health.fetch(f"{url}/metrics", 5.0, tls)
    except OSError as error:
        raise RuntimeFault(f"{url}/metrics does not answer ({error}): is the service running?") from None
    if status != 200:
        raise RuntimeFault(f"{url}/metrics answers {status}: see the log of the service.")
    return parse_metrics(body.decode("utf-8"))


def parse_metrics(text: str) -> dict[str, float]:
    """Samples of Prometheus' text format, labels in alphabetical order."""
    from prometheus_client.parser import text_string_to_metric_families

    return {
        sample.name + _labels(sample.labels): float(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"
