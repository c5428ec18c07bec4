"""A set that may say yes by mistake and never says no by mistake, in a few bits per member."""

from __future__ import annotations

import math
from hashlib import blake2b


class BloomFilter:
    """Sized for `expected` members: of the others, a share of about `rate` is taken for members.

    Bits m = −n · ln p / (ln 2)², hash functions k = m / n · ln 2, for n members and the rate p; see Broder
    and Mitzenmacher, Network Applications of Bloom Filters, Internet Mathematics 1(4), 2004. The functions
    are made of two (Kirsch and Mitzenmacher, Less Hashing, Same Performance, ESA 2006).
    """

    def __init__(self, expected: int, rate: float) -> None:
        if expected < 1 or not 0 < rate < 1:
            raise ValueError("a filter needs a member to expect and a rate between 0 and 1")
        self.bits = math.ceil(-expected * math.log(rate) / math.log(2) ** 2)
        self.hashes = max(1, round(self.bits / expected * math.log(2)))
        self._field = bytearray((self.bits + 7) // 8)

    def add(self, member: str) -> None:
        for position in self._positions(member):
            self._field[position >> 3] |= 1 << (position & 7)

    def __contains__(self, member: str) -> bool:
        """False for certain, or True in all likelihood."""
        return all(self._field[position >> 3] & 1 << (position & 7) for position in self._positions(member))

    def _positions(self, member: str) -> list[int]:
        digest = blake2b(member.encode(), digest_size=16).digest()
        first, step = int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big") | 1
        return [(first + number * step) % self.bits for number in range(self.hashes)]
