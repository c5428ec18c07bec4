"""Traders and symbols for notebooks: the helpers of the tree's own suite, from the course's tree."""

from __future__ import annotations

import sys

from grading.paths import TREE

# The suite's helpers are plain modules beside the tests; learners read them there.
if str(TREE / "tests") not in sys.path:
    sys.path.append(str(TREE / "tests"))

from support.client import ApiClient, Trader, expect
from support.market import Market
from support.race import HeldRow, held_row, held_table
from support.services import ask
from support.wait import until

__all__ = ["ApiClient", "HeldRow", "Market", "Trader", "ask", "expect", "held_row", "held_table", "until"]
