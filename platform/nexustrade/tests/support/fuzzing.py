"""Requests made up from OpenAPI documents, the same ones on every run, and what must hold for each answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch
from zlib import crc32

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from requests.adapters import HTTPAdapter
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

SEED = 20_261_127
SECONDS = 30.0

# What a document allows twice as often as what it forbids; an operator as often as all others.
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE, GenerationMode.POSITIVE)
CALLERS = ("operator", "operator", "trader", "nobody")
# How often a name that is known gets the value that is known, instead of one that is made up.
KNOWN = 0.7

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
CONFIG = {"generation": {"with-security-parameters": False}}

Authorize = Callable[[str, str], Mapping[str, str]]  # (caller, path) → headers


@dataclass(frozen=True, kw_only=True)
class Served:
    """A document, where its operations are, who may call them, and some values that lead somewhere.

    `examples` is how many requests each operation gets.
    """

    document: dict[str, Any]
    url: str
    tls: Any
    authorize: Authorize
    known: Mapping[str, Any]
    examples: int


@dataclass
class Report:
    """Requests per operation, and what was wrong with answers."""

    sent: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


def fuzz(served: Served, *, leave_out: Mapping[str, str], report: Report) -> None:
    """Sends requests to each operation ("POST /v1/orders") that is not left out; adds to the report."""
    schema = schemathesis.openapi.from_dict(served.document, config=schemathesis.Config.from_dict(CONFIG))
    operations = [each.ok() for each in schema.get_all_operations()]
    with _session(served.tls) as session, _same_examples():
        # What is taken away is taken away last.
        for operation in sorted(operations, key=lambda each: each.method == "delete"):
            if operation.label not in leave_out:
                report.sent[operation.label] = 0
                _fuzz_operation(operation, served, session, report)


def _fuzz_operation(operation: Any, served: Served, session: requests.Session, report: Report) -> None:
    made_up = [operation.as_strategy(mode) for mode in MODES]

    # Findings are kept instead of raised: the state has moved on, and the same request may fare better now.
    @seed(SEED ^ crc32(operation.label.encode()))
    @settings(
        max_examples=served.examples,
        deadline=None,
        database=None,
        derandomize=False,  # seeded above, whatever this function's text
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def send(data: Any) -> None:
        case = data.draw(data.draw(st.sampled_from(made_up)))
        caller = data.draw(st.sampled_from(CALLERS))
        chance = data.draw(st.randoms(use_true_random=False))
        for part in (case.path_parameters, case.query, case.body):
            _fill(part, served.known, chance)
        headers = served.authorize(caller, operation.path)
        answer = case.call(base_url=served.url, session=session, headers=dict(headers), timeout=SECONDS)
        report.sent[operation.label] += 1
        report.statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failures:
            report.findings += [_finding(case, caller, answer, failure) for failure in failures.exceptions]

    send()


def _fill(part: Any, known: Mapping[str, Any], chance: Random) -> None:
    if isinstance(part, list):
        for each in part:
            _fill(each, known, chance)
    elif isinstance(part, dict):
        for name in part:
            if name in known and chance.random() < KNOWN:
                part[name] = known[name]
            else:
                _fill(part[name], known, chance)


def _finding(case: Any, caller: str, answer: Any, failure: Any) -> str:
    request = f"{case.operation.label} as {caller}, path {case.path_parameters}, query {case.query}"
    return f"{failure.title}: {answer.status_code} to {request}, body {case.body!r:.500}: {answer.text[:300]}"


@contextmanager
def _same_examples() -> Iterator[None]:
    """Hypothesis mixes in constants of the modules that happen to be loaded: not while this runs."""
    providers.CONSTANTS_CACHE.cache.clear()
    with patch.object(providers, "_get_local_constants", providers.Constants):
        yield
    providers.CONSTANTS_CACHE.cache.clear()


class _WithContext(HTTPAdapter):
    def __init__(self, context: Any) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)


def _session(tls: Any) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    if tls is not None:
        session.mount("https://", _WithContext(tls))
    return session
