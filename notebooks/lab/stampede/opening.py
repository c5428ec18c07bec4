"""Incident 05: the first seconds of a session, with hundreds of readers on a dozen popular symbols."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import httpx

from lab.case import Incident
from lab.market import expect
from lab.riskdesk.common import market_of, waited
from lab.stampede.crowd import Crowd
from lab.stampede.record import SYMBOLS, KeyReads, Load, Opening, Plan

READERS, SECONDS, LANES = 500, 12.0, 8
#: Reads per second: the share of what the machine can do that they may take, within these bounds. With fewer
#: no two readers ever meet.
SHARE, RATE_LEAST, RATE_MOST = 0.3, 40.0, 200.0
#: Seconds that the source takes for an answer: the fewer reads a second, the slower, to the same effect.
LATENCY_LEAST, LATENCY_MOST, READS_PER_LATENCY = 0.1, 0.4, 25.0
_SAMPLE_SECONDS = 0.05
_PROBES = 60


def opening(incident: Incident, *, like: Opening | None = None) -> Opening:
    """Loads a dozen quotes together, then lets the readers read; `like` repeats the traffic of a run before.

    How much traffic there is depends on the machine: its readers must not be slowed by themselves.
    """
    market_of(incident)
    with Crowd(incident) as crowd:
        plan = like.plan if like else _plan(crowd)
        with _paced(incident, plan):
            return _run(incident, crowd, plan)


def _plan(crowd: Crowd) -> Plan:
    """What this machine can bear, from a handful of readers."""
    spans = []
    for _ in range(3):
        reads = crowd.at_once([_path(SYMBOLS[number % len(SYMBOLS)]) for number in range(_PROBES)])
        spans.append(max(read.end for read in reads) - min(read.start for read in reads))
    rate = min(max(SHARE * _PROBES / min(spans), RATE_LEAST), RATE_MOST)
    latency = min(max(READS_PER_LATENCY / rate, LATENCY_LEAST), LATENCY_MOST)
    return Plan(readers=READERS, every=READERS / rate, seconds=SECONDS, lanes=LANES, latency=latency)


@contextmanager
def _paced(incident: Incident, plan: Plan) -> Iterator[None]:
    exchange = incident.platform.exchange
    exchange.pace(lanes=plan.lanes, latency_ms=1e3 * plan.latency)
    try:
        yield
    finally:
        exchange.pace()


def _run(incident: Incident, crowd: Crowd, plan: Plan) -> Opening:
    for symbol in SYMBOLS:
        expect(incident.market.operator.delete(f"/v1/market/consolidated/{symbol}"), 204)
    before = keys(incident)
    with _Counter(incident) as counter:
        reads = crowd.steadily(shares(), readers=plan.readers, every=plan.every, seconds=plan.seconds)
    began = min(read.start for read in reads)
    answers = incident.platform.exchange.log(began)
    return Opening(
        plan=plan,
        reads=tuple(read._replace(start=read.start - began) for read in reads),
        calls=tuple((at - began, symbol) for at, kind, symbol, _ in answers if kind == "quotes"),
        counted=tuple((at - began, count) for at, count in counter.counted),
        load=Load(keys=tuple(since(before, keys(incident))), seconds=plan.seconds),
        began=began,
    )


def shares() -> dict[str, float]:
    """How often each quote is read: the first symbol as often as all the others together."""
    others = {_path(symbol): 1 / rank for rank, symbol in enumerate(SYMBOLS[1:], start=1)}
    return {_path(SYMBOLS[0]): sum(others.values()), **others}


def _path(symbol: str) -> str:
    return f"consolidated/{symbol}"


def keys(incident: Incident) -> dict[str, KeyReads]:
    """How often each quote was read since market-data was started, and which tier answered."""
    answer = waited(lambda: _load(incident), "market-data tells its load", timeout=60.0)
    items = answer.json()["items"] if answer else []
    return {each["key"]: KeyReads(**each) for each in items if each["key"].startswith("quotes:")}


def _load(incident: Incident) -> httpx.Response | None:
    """None while the service has its hands full with readers."""
    answer = incident.market.operator.get("/v1/market/load?top=100")
    return answer if answer.is_success else None


def since(before: dict[str, KeyReads], now: dict[str, KeyReads]) -> Iterator[KeyReads]:
    """The reads of each symbol between two looks."""
    for symbol in SYMBOLS:
        key = f"quotes:{symbol}"
        nothing = KeyReads(key=key, near=0, shared=0)
        was, is_now = before.get(key, nothing), now.get(key, nothing)
        yield KeyReads(key=key, near=is_now.near - was.near, shared=is_now.shared - was.shared)


class _Counter:
    """Reads the feed's counter of calls every few milliseconds."""

    def __init__(self, incident: Incident) -> None:
        self.counted: list[tuple[float, int]] = []
        self._exchange = incident.platform.exchange
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _count(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            self.counted.append((time.time(), self._exchange.calls(kind="quotes")))
