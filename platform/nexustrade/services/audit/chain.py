"""A hash chain over audit entries: each entry's hash covers its content and the hash before it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Link:
    """One entry as stored. Sequences start at 1 and have no gaps; `body` is canonical bytes."""

    sequence: int
    previous_hash: str
    body: bytes
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken_at` is the first sequence that does not fit, None for an unbroken chain."""

    valid: bool
    entries: int
    broken_at: int | None


def canonical(content: Mapping[str, object]) -> bytes:
    """The one byte form of a JSON object: sorted keys, no blanks, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def link_hash(sequence: int, previous_hash: str, body: bytes) -> str:
    """SHA-256 in hex over the sequence, the hash before and the body."""
    return hashlib.sha256(b"%d\n%s\n" % (sequence, previous_hash.encode()) + body).hexdigest()


def append(sequence: int, previous_hash: str, body: bytes) -> Link:
    """The link that follows `previous_hash`."""
    return Link(sequence, previous_hash, body, link_hash(sequence, previous_hash, body))


def extend(sequence: int, previous_hash: str, bodies: Iterable[bytes]) -> Iterator[Link]:
    """The links of `bodies`, one after the other, behind the link with this sequence and hash."""
    for body in bodies:
        link = append(sequence + 1, previous_hash, body)
        yield link
        sequence, previous_hash = link.sequence, link.hash


def verify(links: Iterable[Link], *, head: tuple[int, str]) -> Verdict:
    """Walks the chain from its start; `head` is the sequence and hash that its last link must have.

    Without the head, entries cut off at the end would leave a shorter chain that still fits.
    """
    sequence, previous_hash = 0, GENESIS
    for link in links:
        expected = append(sequence + 1, previous_hash, link.body)
        if link != expected:
            return Verdict(valid=False, entries=sequence, broken_at=sequence + 1)
        sequence, previous_hash = link.sequence, link.hash
    if (sequence, previous_hash) != head:
        return Verdict(valid=False, entries=sequence, broken_at=min(sequence, head[0]) + 1)
    return Verdict(valid=True, entries=sequence, broken_at=None)
