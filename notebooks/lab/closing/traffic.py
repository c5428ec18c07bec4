"""Incident 02: one small order a minute around the close, on four days of the year."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, time
from subprocess import TimeoutExpired
from time import monotonic, sleep
from typing import Any

from lab.case import Incident
from lab.closing.instant import Told, submit_at
from lab.closing.record import CLOSES, DAYS, MARKS, NEW_YORK, Day, Probe, Record
from lab.errors import LabError
from lab.market import Trader, expect, until
from runtime.clock import MarketClock

PRICE = "100.00"
MARKET_CLOSED = "market-closed"
#: Seconds that an order may take from its acceptance to its end; what works takes a few hundredths.
PATIENCE = 10.0
#: A Tuesday noon before the first of the days: the exchange is open whatever one takes for its hours.
OFFERED = datetime(2026, 1, 13, 12, 0, tzinfo=NEW_YORK)


def orders(incident: Incident, *, days: Sequence[Day] = DAYS, marks: Sequence[time] = MARKS) -> Record:
    """Turns the market clock to every mark of every day and sends an order for one share there.

    At the close itself it stands still for the order. A seller's offer is in the book already, so that every
    order that gets in is filled. At the end the market clock shows the machine's time again.
    """
    moments = [datetime.combine(day.date, mark, NEW_YORK) for day in days for mark in marks]
    with market_time(incident) as clock:
        buyer, symbol = _desk(incident, clock, shares=len(moments))
        sent = [_send(buyer, symbol, clock, moment) for moment in moments if moment.time() != CLOSES]
        # By the clock of the last mark these orders would be too old to wait for their credit check.
        clock.set(OFFERED)
        sharp = _send_sharp(incident, buyer, symbol, [each for each in moments if each.time() == CLOSES])
    probes = sorted([*sent, *sharp], key=lambda probe: probe.at)
    return Record(probes=tuple(probes), symbol=symbol, account_id=buyer.account_id)


def order_at(incident: Incident, *moments: str) -> list[Probe]:
    """Sends an order at each of these times in New York, such as "2026-07-15 16:00:00".

    The market clock stands still for it: the order is of that very microsecond.
    """
    at = [datetime.fromisoformat(moment).replace(tzinfo=NEW_YORK) for moment in moments]
    with market_time(incident) as clock:
        buyer, symbol = _desk(incident, clock, shares=len(at))
        return _send_sharp(incident, buyer, symbol, at)


@contextmanager
def market_time(incident: Incident) -> Iterator[MarketClock]:
    """The clock of the whole market, to be turned inside the block; afterwards it shows the real time."""
    if down := incident.platform.failed:
        raise LabError(f"{', '.join(down)} did not come up: mend the code, then incident.restart()")
    if stale := incident.changed():
        print(f"Changed since it was started: {', '.join(stale)}. To run the new code: incident.restart()")
    clock = incident.platform.clock
    try:
        yield clock
    except AssertionError as error:
        raise LabError(str(error)) from None
    finally:
        clock.reset()


def listed(incident: Incident, calendar: str) -> str:
    """A new instrument that trades when `calendar` says."""
    symbol = "Z" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(7))
    body = {"symbol": symbol, "name": f"{symbol} Inc.", "calendar": calendar}
    expect(incident.market.operator.post("/v1/instruments", json=body), 201)
    return symbol


def evidence(incident: Incident, record: Record) -> dict[str, list[dict[str, Any]]]:
    """What orders did before it answered, for one that got in and one that did not, for a waterfall.

    Each starts at zero.
    """
    # A late one: at an account's first order its owner is looked up.
    late = (probe for probe in reversed(record.probes) if probe.trace_id and not probe.accepted)
    refused = next(late, record.example)
    chosen = {
        f"{probe.at:%d %b %H:%M:%S}, {'accepted' if probe.accepted else 'refused'}": probe.trace_id
        for probe in (record.example, refused)
    }
    return {label: _answering(incident.trace(trace_id)) for label, trace_id in chosen.items()}


def _answering(spans: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    own = [span for span in spans if span["service"] == "orders"]
    answered = max((span["end"] for span in own if span["name"].startswith("POST /")), default=0.0)
    shown = [span for span in own if span["start"] < answered]
    origin = min((span["start"] for span in shown), default=0.0)
    return [span | {"start": span["start"] - origin, "end": span["end"] - origin} for span in shown]


def _desk(incident: Incident, clock: MarketClock, *, shares: int) -> tuple[Trader, str]:
    """A buyer, and a symbol of which somebody offers `shares` shares until they are sold."""
    market = incident.market
    symbol = listed(incident, "XNYS")
    seller, buyer = market.new_trader(cash="0", shares={symbol: str(shares)}), market.new_trader()
    clock.set(OFFERED)
    expect(seller.submit(symbol, "sell", shares, PRICE, time_in_force="gtc"), 201)
    until(
        lambda: buyer.client.get(f"/v1/market/books/{symbol}").json().get("asks"),
        timeout=10,
        message="the offer is in the book",
    )
    return buyer, symbol


def _send(buyer: Trader, symbol: str, clock: MarketClock, at: datetime) -> Probe:
    clock.set(at)
    answer = buyer.submit(symbol, "buy", 1, PRICE, time_in_force="ioc")
    refused = answer.status_code == 409 and MARKET_CLOSED in answer.text
    if answer.status_code != 201 and not refused:
        raise LabError(
            f"the order of {at:%d %b %H:%M:%S} was answered {answer.status_code}: {answer.text[:200]}"
        )
    order_id = str(answer.json().get("order_id", ""))
    return Probe(
        at=at,
        accepted=not refused,
        status="refused" if refused else ended(buyer, order_id),
        order_id=order_id,
        trace_id=answer.headers.get("x-trace-id", ""),
    )


def _send_sharp(incident: Incident, buyer: Trader, symbol: str, moments: Sequence[datetime]) -> list[Probe]:
    order = buyer.order_body(symbol, "buy", 1, PRICE, time_in_force="ioc")
    environment = incident.platform.environment("orders")
    try:
        told = submit_at(incident.workspace.folder, environment, buyer.client.token or "", order, moments)
    except (RuntimeError, TimeoutExpired) as error:
        raise LabError(f"an order could not be submitted with the workspace's code: {error}") from None
    return [_probe(buyer, each, at) for each, at in zip(told, moments, strict=True)]


def _probe(buyer: Trader, told: Told, at: datetime) -> Probe:
    refused = told.status == "rejected" and told.reason == MARKET_CLOSED
    if told.status != "accepted" and not refused:
        raise LabError(f"the order of {at:%d %b %H:%M:%S} is {told.status} {told.reason}")
    status = "refused" if refused else ended(buyer, told.order_id)
    return Probe(at=at, accepted=not refused, status=status, order_id=told.order_id, trace_id="")


def ended(trader: Trader, order_id: str) -> str:
    """How an order ended: its way through the platform is over, and the clock may be turned again."""
    deadline = monotonic() + PATIENCE
    while (status := str(trader.order(order_id)["status"])) not in {"filled", "cancelled", "rejected"}:
        if monotonic() > deadline:
            raise LabError(f"order {order_id} is still {status} after {PATIENCE:g} s: see incident.logs()")
        sleep(0.01)
    return status
