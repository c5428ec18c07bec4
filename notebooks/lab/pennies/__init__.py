"""Incident 03: a day of partial fills, and what three books make of it to the last digit."""

from __future__ import annotations

from lab.pennies.books import BOOKS, RATE, Book, compared, evidence, single_fills
from lab.pennies.chart import chart
from lab.pennies.day import day
from lab.pennies.record import Bid, Day, Fill

__all__ = [
    "BOOKS",
    "RATE",
    "Bid",
    "Book",
    "Day",
    "Fill",
    "chart",
    "compared",
    "day",
    "evidence",
    "single_fills",
]
