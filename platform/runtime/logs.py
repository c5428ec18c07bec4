"""Reads the JSON lines that services log and trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TAIL_BYTES = 64 * 1024


def read_lines(file: Path) -> list[str]:
    """The complete lines of `file`; none when it does not exist."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    complete, _, _ = text.rpartition("\n")
    return complete.split("\n") if complete else []


def read_records(file: Path) -> list[dict[str, Any]]:
    """The JSON objects of `file`, one per line; other lines are passed over."""
    return [record for line in read_lines(file) if (record := _parse(line)) is not None]


def merge(services: Iterable[tuple[str, list[str]]]) -> list[dict[str, Any]]:
    """All log lines of several services, in the order of their time stamps.

    A line that is not JSON, such as one of a traceback, becomes {"service", "event", "timestamp"} with
    the time of the line before it.
    """
    merged: list[dict[str, Any]] = []
    for service, lines in services:
        merged += _log_records(service, lines)
    merged.sort(key=lambda record: str(record["timestamp"]))  # stable: a service's own order is kept
    return merged


def matching(records: Iterable[dict[str, Any]], equals: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Those records whose fields equal `equals`; compared as text, as they come from JSON."""
    for record in records:
        if all(name in record and str(record[name]) == str(value) for name, value in equals.items()):
            yield record


def tail_text(file: Path, *, since: int = 0, lines: int = 20) -> str:
    """The last `lines` lines after byte `since` of a log, made readable."""
    try:
        size = file.stat().st_size
        with file.open("rb") as log:
            log.seek(max(since, size - _TAIL_BYTES))
            text = log.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    readable = "\n".join(readable_line(line) for line in text.splitlines() if line.strip())
    return "\n".join(readable.splitlines()[-lines:])


def readable_line(line: str) -> str:
    """A log line for people: level, event, the fields that matter, the exception below."""
    record = _parse(line)
    if record is None:
        return line
    hidden = {"level", "event", "timestamp", "service", "exception", "trace_id", "span_id", "logger"}
    fields = " ".join(f"{name}={value}" for name, value in record.items() if name not in hidden)
    head = f"{str(record.get('level', 'info')).upper():7} {record.get('event', '')} {fields}".rstrip()
    exception = record.get("exception")
    return f"{head}\n{exception}" if exception else head


def _log_records(service: str, lines: list[str]) -> Iterator[dict[str, Any]]:
    last = ""
    for line in lines:
        record = _parse(line) or {"event": line}
        last = record.setdefault("timestamp", last)
        record.setdefault("service", service)
        yield record


def _parse(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
