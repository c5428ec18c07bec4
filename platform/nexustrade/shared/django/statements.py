"""A span for every SQL statement of a trace: which table, and how long it took, waits for locks included.

On where `observability.trace_statements` is true. Names follow OpenTelemetry's conventions for databases:
the operation and its target, never the values.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db.backends.signals import connection_created

from shared.observability.tracing import leaf_span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    Parameters = Sequence[Any] | Mapping[str, Any] | None

_TARGET = re.compile(r'\b(?:FROM|INTO|UPDATE|TABLE)\s+"?(\w+)"?', re.IGNORECASE)


def trace_statements() -> None:
    """Trace the statements of every connection that is opened from now on."""
    connection_created.connect(_watch, dispatch_uid="shared.django.statements")


def _watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _traced not in connection.execute_wrappers:
        connection.execute_wrappers.append(_traced)


def _traced(
    execute: Callable[..., Any], sql: str, parameters: Parameters, many: bool, context: dict[str, Any]
) -> Any:
    # Background loops poll all the time; only what belongs to somebody's trace is of interest.
    with leaf_span(statement_name(sql)):
        return execute(sql, parameters, many, context)


@lru_cache(maxsize=512)
def statement_name(sql: str) -> str:
    """`UPDATE risk_exposurelimit` for the statement that does so; locking reads say FOR UPDATE."""
    words = sql.split(None, 1)
    operation = words[0].upper() if words else "SQL"
    found = _TARGET.search(sql)
    locking = " FOR UPDATE" if operation == "SELECT" and "FOR UPDATE" in sql.upper() else ""
    return f"{operation} {found.group(1)}{locking}" if found else operation
