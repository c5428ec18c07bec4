"""How service processes share memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Uses many objects of a forked process, then counts the pages that it had to copy.
CODE = """
import gc, os, sys
from pathlib import Path
things = [[object()] for _ in range(200_000)]
from runtime.launch.immortal import make_all_immortal
marked = make_all_immortal() if sys.argv[1] == "marked" else 0
gc.freeze()
def private():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))
if os.fork() == 0:
    before = private()
    copies = [thing[0] for thing in things]
    del copies
    assert {**os.environ} and "x".join(["a", "b"]) == "axb"
    print(marked > 0, private() - before)
    sys.stdout.flush()
    os._exit(0)
os.wait()
os._exit(0)
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="objects can be immortal since 3.12")
def test_immortal_objects_are_shared_when_they_are_used():
    """A forked process copies little of what it merely reads; without the mark it copies most of it."""
    kib = {}
    for way in ("marked", "plain"):
        done = subprocess.run([sys.executable, "-c", CODE, way], capture_output=True, text=True, check=True)
        marked, copied = done.stdout.split()
        assert marked == str(way == "marked")
        kib[way] = int(copied)
    assert kib["marked"] < kib["plain"] / 1.5


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="objects can be immortal since 3.12")
def test_older_versions_are_left_as_they_are():
    """Nothing is marked where the interpreter would not heed it."""
    from runtime.launch.immortal import make_all_immortal

    assert make_all_immortal() == 0


# Allocates in a forked process after much was freed, then counts the pages that it had to copy or make.
HOLES = """
import os, sys
from pathlib import Path
from runtime.launch.density import fill_holes, free_blocks
things = [bytes(150) for _ in range(100_000)]
del things[::2]
def private():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))
before = private()
if sys.argv[1] == "filled":
    fill_holes()
grown = private() - before
free = sum(size * count for size, count in free_blocks().items())
if os.fork() == 0:
    before = private()
    made = [bytes(150) for _ in range(200)]
    made += [bytes(150) for _ in range(1_000)]
    print(private() - before, free, grown)
    sys.stdout.flush()
    os._exit(0)
os.wait()
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts pages as Linux does")
def test_new_objects_do_not_go_between_shared_ones():
    """With the holes filled, a forked process copies less for what it makes, and nothing has grown for it."""
    kib = {}
    for way in ("filled", "plain"):
        done = subprocess.run([sys.executable, "-c", HOLES, way], capture_output=True, text=True, check=True)
        kib[way], free, grown = map(int, done.stdout.split())
        if way == "filled":
            assert free < 1_000_000
            assert grown < 2_000
        else:
            assert free > 7_000_000
    assert kib["filled"] + 100 < kib["plain"]
