from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from threading import Barrier, Thread
from typing import Any

import pytest
import structlog

from shared.http.context import exchange
from shared.observability import bind, bound, configure_logging, current_trace_id, get_logger, span

pytestmark = pytest.mark.services("orders", "notifications", "audit")


class Lines(io.BytesIO):
    def read_all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    output = Lines()
    configure_logging("orders", stream=output)
    yield output
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_log_line_says_where_and_when_and_in_which_trace(lines: Lines) -> None:
    """Every line can be found by service, level, event and trace."""
    with span("request"):
        get_logger("test").info("accepted", order_id="o-1")
        trace_id = current_trace_id()
    (line,) = lines.read_all()
    assert line["service"] == "orders"
    assert line["level"] == "info"
    assert line["event"] == "accepted"
    assert line["order_id"] == "o-1"
    assert line["trace_id"] == trace_id
    assert line["timestamp"].endswith("Z")


def test_bound_fields_end_with_their_block(lines: Lines) -> None:
    """A field of one request is not seen on the lines of the next."""
    log = get_logger("test")
    with bound(order_id="o-1"):
        log.info("inside")
    log.info("outside")
    inside, outside = lines.read_all()
    assert inside["order_id"] == "o-1"
    assert "order_id" not in outside


def test_bound_fields_of_threads_do_not_mix(lines: Lines) -> None:
    """Two requests at work at the same time keep their own fields and traces."""
    together = Barrier(2)

    def work(name: str) -> None:
        with span("request"):
            together.wait(60)
            bind(order_id=name, trace=current_trace_id())
            together.wait(60)
            get_logger("test").info("worked", expected=name)

    threads = [Thread(target=work, args=(name,)) for name in ("o-1", "o-2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    written = lines.read_all()
    assert {line["expected"] for line in written} == {"o-1", "o-2"}
    assert all(line["order_id"] == line["expected"] for line in written)
    assert all(line["trace"] == line["trace_id"] for line in written)
    assert len({line["trace_id"] for line in written}) == 2


def test_fields_bound_in_one_request_are_not_on_the_next(lines: Lines) -> None:
    """A server's thread starts each request with a clean slate."""
    log = get_logger("test")
    with exchange("GET", "/v1/orders/o-1", {}):
        bind(order_id="o-1")
        log.info("first")
    with exchange("GET", "/v1/orders/o-2", {}):
        log.info("second")
    first, _, second, _ = lines.read_all()
    assert first["order_id"] == "o-1"
    assert "order_id" not in second
    assert first["trace_id"] != second["trace_id"]


def test_library_logs_are_json_too(lines: Lines) -> None:
    """Lines of the standard library's logging have the same form."""
    logging.getLogger("some.library").warning("pool %s", "full")
    (line,) = lines.read_all()
    assert (line["event"], line["logger"], line["service"]) == ("pool full", "some.library", "orders")


def test_exception_is_one_line(lines: Lines) -> None:
    """A traceback does not tear a log line apart."""
    try:
        raise ValueError("no")
    except ValueError:
        get_logger("test").exception("failed")
    (line,) = lines.read_all()
    assert "ValueError: no" in line["exception"]
