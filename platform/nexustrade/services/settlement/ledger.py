"""Double entry: what leaves one account arrives at another, in one posting that sums to zero."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from shared.errors import Conflict

EXTERNAL = "external:"
DEPOSITS = f"{EXTERNAL}deposits"
FEES = "house:fees"
CLEARING = "clearing:"
# How the postings of fees are named, before the charge's own id.
FEE_POSTING = "fee:"
# What the ids of postings other than a trade's begin with.
KINDS = {"deposit", "transfer", "fee"}


class PostingRefused(Conflict):
    """The books cannot take this posting: not enough on an account, or the wrong currency."""

    problem_type = "posting-refused"
    title = "Posting refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a positive amount increases the account, a negative one decreases it."""

    account: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Posting:
    """Lines in one asset (a currency or a symbol) that sum to zero.

    `posting_id` names the business event: the same id is booked once, however often it is posted.
    """

    posting_id: str
    asset: str
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if len(self.entries) < 2:
            raise ValueError(f"{self.posting_id}: a posting has at least two entries")
        if any(entry.amount == 0 for entry in self.entries):
            raise ValueError(f"{self.posting_id}: an entry of zero books nothing")
        if sum((entry.amount for entry in self.entries), Decimal(0)) != 0:
            raise ValueError(f"{self.posting_id}: debits and credits differ")


class Book(Protocol):
    """Accounts of one kind of asset, in one database."""

    def post(self, posting: Posting) -> bool:
        """Books all entries or none; False when the posting was booked before.

        Raises PostingRefused when an account would fall below zero.
        """


def transfer(posting_id: str, asset: str, *, source: str, target: str, amount: Decimal) -> Posting:
    """Moves `amount` (positive) from `source` to `target`."""
    if amount <= 0:
        raise ValueError(f"{posting_id}: an amount to move must be positive")
    return Posting(posting_id, asset, (Entry(source, -amount), Entry(target, amount)))


def reverse(posting: Posting, posting_id: str) -> Posting:
    """The posting that takes `posting` back."""
    entries = tuple(Entry(entry.account, -entry.amount) for entry in reversed(posting.entries))
    return Posting(posting_id, posting.asset, entries)


def is_customer(account: str) -> bool:
    """Customer accounts carry a balance of their own; house accounts are the sum of their entries."""
    return ":" not in account


def may_go_negative(account: str) -> bool:
    """Only what comes from outside the platform may be drawn without limit."""
    return account.startswith(EXTERNAL)


def kind_of(posting_id: str) -> str:
    """What a posting was for: "deposit", "transfer", "fee", or "trade"."""
    kind = posting_id.partition(":")[0]
    return kind if kind in KINDS else "trade"
