from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared.observability import configure_tracing, current_trace_id, extract, inject, span
from shared.observability.tracing import CONSUMER, leaf_span

pytestmark = pytest.mark.services("gateway", "orders", "matching", "notifications")

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def trace_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "spans.jsonl"
    settings: Any = SimpleNamespace(service="orders", trace_file=str(path))
    configure_tracing(settings)
    yield path
    configure_tracing(SimpleNamespace(service="tests", trace_file=None))  # type: ignore[arg-type]


def spans(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_trace_goes_on_in_http_headers(trace_file: Path) -> None:
    """A span under an incoming traceparent belongs to its trace and has its span as parent."""
    with span("request", parent=extract({"Traceparent": f"00-{TRACE}-{PARENT}-01"})):
        assert current_trace_id() == TRACE
    (written,) = spans(trace_file)
    assert (written["trace_id"], written["parent_id"]) == (TRACE, PARENT)


def test_trace_goes_on_in_kafka_headers(trace_file: Path) -> None:
    """Kafka's pairs of names and bytes carry the trace from the producer to the consumer."""
    with span("publish"):
        produced = current_trace_id()
        headers = [(name, value.encode()) for name, value in inject({}).items()]
    with span("consume", kind=CONSUMER, parent=extract([("event-type", b"OrderAccepted"), *headers])):
        assert current_trace_id() == produced
    publish, consume = spans(trace_file)
    assert consume["parent_id"] == publish["span_id"]


@pytest.mark.parametrize("headers", [{}, {"traceparent": "rubbish"}, [("traceparent", None)]])
def test_unusable_headers_start_a_trace_of_their_own(headers: Any) -> None:
    """A message without context neither fails nor joins the trace that is open by chance."""
    with span("outer"):
        outer = current_trace_id()
        with span("inner", parent=extract(headers)):
            assert current_trace_id() not in {None, outer}
        assert current_trace_id() == outer


def test_failed_span_is_written_as_an_error(trace_file: Path) -> None:
    """An exception passes through its span and marks it."""
    with pytest.raises(ValueError, match="no"), span("work", order_id="o-1"):
        raise ValueError("no")
    (written,) = spans(trace_file)
    assert (written["status"], written["attributes"]) == ("error", {"order_id": "o-1"})
    assert written["end"] >= written["start"] > 1_600_000_000


def test_span_is_on_disk_the_moment_it_ends(trace_file: Path) -> None:
    """A process killed right after a span loses nothing of it."""
    with span("outer"):
        with span("inner"):
            pass
        assert [written["name"] for written in spans(trace_file)] == ["inner"]


def test_leaf_span_belongs_to_the_span_around_it(trace_file: Path) -> None:
    """A span without children is written like any other, failures included."""
    with span("outer"):
        with leaf_span("UPDATE orders_order"):
            pass
        with pytest.raises(ValueError, match="no"), leaf_span("INSERT orders_order"):
            raise ValueError("no")
    update, insert, outer = spans(trace_file)
    assert update.keys() == outer.keys()
    assert [each["parent_id"] for each in (update, insert)] == [outer["span_id"]] * 2
    assert {each["trace_id"] for each in (update, insert, outer)} == {outer["trace_id"]}
    assert (update["status"], insert["status"]) == ("ok", "error")
    assert outer["start"] <= update["start"] <= update["end"] <= insert["start"]
    assert update["span_id"] != insert["span_id"]


def test_leaf_span_outside_a_trace_leaves_nothing(trace_file: Path) -> None:
    """Work of nobody's trace starts none."""
    with leaf_span("SELECT orders_order"):
        pass
    assert spans(trace_file) == []


def test_no_trace_outside_a_span() -> None:
    """Without a span there is no trace id to mislead a reader."""
    assert current_trace_id() is None
    assert inject({}) == {}
