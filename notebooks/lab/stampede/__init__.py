"""Incident 05: readers around an expiry, the load of each key, and pictures of both."""

from __future__ import annotations

from lab.stampede.chart import chart
from lab.stampede.evidence import evidence
from lab.stampede.expiry import Expiry, at_once, expiries_table
from lab.stampede.figures import figures
from lab.stampede.hot import hot_keys
from lab.stampede.keys import keys_chart
from lab.stampede.lives import Life, differ, lives, lives_table
from lab.stampede.opening import opening
from lab.stampede.record import KeyReads, Load, Opening

__all__ = [
    "Expiry",
    "KeyReads",
    "Life",
    "Load",
    "Opening",
    "at_once",
    "chart",
    "differ",
    "evidence",
    "expiries_table",
    "figures",
    "hot_keys",
    "keys_chart",
    "lives",
    "lives_table",
    "opening",
]
