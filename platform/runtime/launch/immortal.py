"""Makes what the forkserver has loaded immortal, so that services do not copy it by counting references.

A forked service shares memory until it writes to it, and CPython writes to every object that it uses: it
counts its references. Since 3.12 objects can be immortal (PEP 683): the interpreter leaves the count of
those alone. It marks its own that way; what the packages brought is marked here, by the count itself.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from types import CodeType, FrameType, GeneratorType
from typing import Any

# The count of an immortal object in CPython 3.12 and 3.13 on 64-bit machines.
_IMMORTAL = 0xFFFF_FFFF
_LEFT_ALONE = (FrameType, GeneratorType)


def make_all_immortal() -> int:
    """Marks all objects that exist; returns how many. Does nothing, 0, where the mark is not known."""
    if not (3, 12) <= sys.version_info[:2] <= (3, 13) or sys.maxsize < 2**32:
        return 0
    # Free-threaded ("t") and debug builds lay objects out in another way.
    if sys.implementation.name != "cpython" or sys.abiflags:
        return 0
    found = _everything()
    for address in found:
        ctypes.c_uint64.from_address(address).value = _IMMORTAL
    return len(found)


def _everything() -> list[int]:
    """The addresses of all objects that can be reached from those that the collector knows."""
    todo: list[Any] = gc.get_objects()
    seen = {id(todo)}
    addresses = []
    while todo:
        thing = todo.pop()
        if id(thing) in seen or type(thing) in _LEFT_ALONE:
            continue
        seen.add(id(thing))
        addresses.append(id(thing))
        if type(thing) is CodeType:  # the collector does not look into these
            todo += _parts(thing)
        else:
            todo += gc.get_referents(thing)
    own = {id(todo), id(seen), id(addresses)}
    return [address for address in addresses if address not in own]


def _parts(code: CodeType) -> list[Any]:
    return [
        code.co_consts,
        code.co_names,
        code.co_filename,
        code.co_name,
        code.co_qualname,
        code.co_linetable,
        code.co_exceptiontable,
    ]
