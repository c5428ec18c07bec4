"""Incident 04: an opening bell at which phones and tablets refresh together, and what becomes of them."""

from __future__ import annotations

from lab.refresh.attempts import Call, Tries, tries
from lab.refresh.attempts_chart import chart as attempts_chart
from lab.refresh.attempts_chart import counted
from lab.refresh.bell import bell
from lab.refresh.evidence import refreshes, sessions_logged
from lab.refresh.family import chart as family_chart
from lab.refresh.family import tokens
from lab.refresh.record import Session, Storm, Visit
from lab.refresh.rights import REQUESTS, Rights, rights
from lab.refresh.rights_chart import chart as rights_chart
from lab.refresh.rights_chart import claims
from lab.refresh.storm_chart import chart

__all__ = [
    "REQUESTS",
    "Call",
    "Rights",
    "Session",
    "Storm",
    "Tries",
    "Visit",
    "attempts_chart",
    "bell",
    "chart",
    "claims",
    "counted",
    "family_chart",
    "refreshes",
    "rights",
    "rights_chart",
    "sessions_logged",
    "tokens",
    "tries",
]
