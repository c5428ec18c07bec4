"""Puts the names that services use side by side in memory.

CPython keeps one copy of each name, and counts in it how often code refers to it. A service that loads its
code counts some thousands of the packages' names once more; scattered, each of them costs a page.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = ("proto", "services", "shared")
_WORD = re.compile(r"[A-Za-z_]\w*")

_kept: list[str] = []


def gather_words(tree: Path) -> int:
    """Makes the words in the sources of `tree` Python's copies of them; returns how many there are.

    To be called before the packages are imported. The sources are read as text, nothing of them is run.
    """
    words: set[str] = set()
    for folder in FOLDERS:
        for file in (tree / folder).rglob("*.py"):
            try:
                words.update(_WORD.findall(file.read_text(encoding="utf-8")))
            except (OSError, UnicodeDecodeError):
                continue  # for the service to complain about
    # Made anew, one after the other: those that were found lie where there was room while searching.
    _kept[:] = [sys.intern(word[:1] + word[1:]) for word in sorted(words)]
    return len(_kept)
