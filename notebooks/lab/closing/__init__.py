"""Incident 02: orders around the close, the trades of a week, and a picture of each."""

from __future__ import annotations

from lab.closing.bookings import Books, week
from lab.closing.bookings_chart import chart as week_chart
from lab.closing.record import Probe, Record
from lab.closing.traffic import evidence, order_at, orders
from lab.closing.traffic_chart import chart

__all__ = [
    "Books",
    "Probe",
    "Record",
    "chart",
    "evidence",
    "order_at",
    "orders",
    "week",
    "week_chart",
]
