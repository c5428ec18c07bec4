"""The security desk's eight complaints: traffic that shows each of them, and its picture."""

from __future__ import annotations

from lab.security.fields import Profile
from lab.security.fields import compared as fields_compared
from lab.security.fields import write as write_profile
from lab.security.messages import Messages
from lab.security.messages import did as messages_did
from lab.security.messages import send as send_messages
from lab.security.names import Times
from lab.security.names import chart as names_chart
from lab.security.names import refuse as refuse_names
from lab.security.profiles import Accesses
from lab.security.profiles import ask_all as ask_for_account
from lab.security.profiles import chart as account_chart
from lab.security.profiles import contacts as account_contacts
from lab.security.rates import Guesses, guess
from lab.security.rates import chart as guesses_chart
from lab.security.rates import counted as guesses_counted
from lab.security.search import Searches, search
from lab.security.search import answers as search_answers
from lab.security.search import chart as search_chart
from lab.security.statements import Statements
from lab.security.statements import send as send_statements
from lab.security.statements import shown as statements_shown
from lab.security.webhooks import Reached
from lab.security.webhooks import chart as webhooks_chart
from lab.security.webhooks import reach as reach_inside
from lab.security.webhooks import shown as webhooks_shown

__all__ = [
    "Accesses",
    "Guesses",
    "Messages",
    "Profile",
    "Reached",
    "Searches",
    "Statements",
    "Times",
    "account_chart",
    "account_contacts",
    "ask_for_account",
    "fields_compared",
    "guess",
    "guesses_chart",
    "guesses_counted",
    "messages_did",
    "names_chart",
    "reach_inside",
    "refuse_names",
    "search",
    "search_answers",
    "search_chart",
    "send_messages",
    "send_statements",
    "statements_shown",
    "webhooks_chart",
    "webhooks_shown",
    "write_profile",
]
