"""Fills the holes in the forkserver's memory, so that what services allocate lies together.

A forked service shares a page until it writes to it. Imports leave holes all over the memory; new objects go
there first, and each of them copies a page of neighbours that never change. With the holes filled, new
objects get pages of their own.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from typing import Any

# A line of the table of size classes: number, size of a block, pools, blocks in use, blocks available.
_SIZE_CLASS = re.compile(rb"^ *\d+ +(\d+) +\d+ +\d+ +(\d+) *$", re.MULTILINE)
_LARGEST_CHUNK = 1 << 16  # below what the C library maps on its own, outside of its heap
_SMALLEST_CHUNK = 24
_CACHED_CHUNKS = 7  # so many of a size the C library keeps aside, and does not count as free

_filling: list[Any] = []


def fill_holes() -> None:
    """Allocates, for good, what is free between the objects that exist; memory does not grow by it.

    Knows CPython's own allocator and glibc; leaves others as they are.
    """
    # Each entry that a service replaces would count one reference less to a name, somewhere.
    sys._clear_type_cache()  # type: ignore[attr-defined]  # noqa: SLF001
    if sys.flags.dev_mode:  # blocks are larger there than what is asked for
        return
    for size, free in sorted(free_blocks().items(), reverse=True):
        _filling.append([_block(size) for _ in range(free)])
    _fill_c_heap()


def free_blocks() -> dict[int, int]:
    """Size in bytes → how many blocks of that size are free between others; {} for another allocator."""
    reading, writing = os.pipe()
    saved = os.dup(2)
    os.dup2(writing, 2)  # the statistics are only printed
    os.close(writing)
    try:
        sys._debugmallocstats()  # type: ignore[attr-defined]  # noqa: SLF001
    finally:
        os.dup2(saved, 2)
        os.close(saved)
    with os.fdopen(reading, "rb") as printed:
        return {int(size): int(free) for size, free in _SIZE_CLASS.findall(printed.read())}


def _block(size: int) -> object:
    if size >= 48:
        return bytes(size - _EMPTY_BYTES)
    # Those are 24 and 16 bytes long.
    return float(size) if size == 32 else object()


_EMPTY_BYTES = sys.getsizeof(b"")


class _Statistics(ctypes.Structure):
    # struct mallinfo2 of glibc 2.33 and later
    _fields_ = (
        ("arena", ctypes.c_size_t),
        ("ordblks", ctypes.c_size_t),
        ("smblks", ctypes.c_size_t),
        ("hblks", ctypes.c_size_t),
        ("hblkhd", ctypes.c_size_t),
        ("usmblks", ctypes.c_size_t),
        ("fsmblks", ctypes.c_size_t),
        ("uordblks", ctypes.c_size_t),
        ("fordblks", ctypes.c_size_t),  # bytes that are free, with
        ("keepcost", ctypes.c_size_t),  # those at the end of the heap
    )


def _fill_c_heap() -> None:
    library = ctypes.CDLL(None)
    try:
        statistics, allocate, release = library.mallinfo2, library.malloc, library.free
    except AttributeError:
        return
    statistics.restype = _Statistics
    allocate.restype = ctypes.c_void_p
    allocate.argtypes = [ctypes.c_size_t]
    release.argtypes = [ctypes.c_void_p]
    size = _LARGEST_CHUNK
    while size >= _SMALLEST_CHUNK:
        unchanged = 0
        while unchanged <= _CACHED_CHUNKS:
            before = statistics()
            chunk = allocate(size)
            after = statistics()
            if after.keepcost != before.keepcost:  # from the end of the heap: no hole is so large any more
                release(chunk)
                break
            unchanged = unchanged + 1 if after.fordblks == before.fordblks else 0
        size = size * 7 // 8
