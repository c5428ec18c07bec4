"""The complaints about log-ins, tokens and keys: traffic that shows each of them, and its picture."""

from __future__ import annotations

from lab.authentication.doors import Knock, Knocks, knock
from lab.authentication.doors_chart import answers as doors_answers
from lab.authentication.doors_chart import chart as doors_chart
from lab.authentication.impostors import Masquerade, masquerade
from lab.authentication.impostors import seen as impostors_seen
from lab.authentication.impostors_chart import chart as impostors_chart
from lab.authentication.key_record import Rotation
from lab.authentication.keys import rotate
from lab.authentication.keys_chart import chart as keys_chart
from lab.authentication.keys_chart import planned as keys_planned
from lab.authentication.revoked import Change, revoke
from lab.authentication.revoked import told as revoked_tokens
from lab.authentication.revoked_chart import chart as revoked_chart

__all__ = [
    "Change",
    "Knock",
    "Knocks",
    "Masquerade",
    "Rotation",
    "doors_answers",
    "doors_chart",
    "impostors_chart",
    "impostors_seen",
    "keys_chart",
    "keys_planned",
    "knock",
    "masquerade",
    "revoke",
    "revoked_chart",
    "revoked_tokens",
    "rotate",
]
