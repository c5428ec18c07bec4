"""Runs in the forked process: becomes one service of a tree."""

from __future__ import annotations

import atexit
import os
import runpy
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime import bytecode
from runtime.launch.lifeline import die_with_parent


@dataclass(frozen=True)
class Order:
    """What a service process is to be."""

    module: str
    tree: str
    environment: dict[str, str]
    log_file: str
    bytecode_folder: str


def become(order: Order) -> None:
    """Turns the calling process into the service and never returns."""
    die_with_parent()
    # A group of its own: signals to the owner's terminal pass it by, and it can be ended as a whole.
    os.setsid()
    _write_to(order.log_file)
    os.chdir(order.tree)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    _look_like_a_fresh_interpreter(order)
    coverage = start_coverage(order)
    code = _run(order.module)
    _finish(coverage, code)


def _write_to(log_file: str) -> None:
    handle = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, closefd=False)


def _look_like_a_fresh_interpreter(order: Order) -> None:
    source_folder = str(Path(__file__).parents[2])
    sys.path[:] = [order.tree, *(path for path in sys.path if path not in {"", order.tree, source_folder})]
    sys.argv = [order.module]
    bytecode.install(Path(order.tree), Path(order.bytecode_folder))


def _run(module: str) -> int:
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException as error:  # noqa: BLE001  # as an interpreter does at its top
        _print_without_our_frames(error)
        return 1
    return 0


def _print_without_our_frames(error: BaseException) -> None:
    frames = error.__traceback__
    while frames and frames.tb_frame.f_code.co_filename in {__file__, "<frozen runpy>"}:
        frames = frames.tb_next
    traceback.print_exception(type(error), error, frames or error.__traceback__)


def _finish(coverage: Any, code: int) -> None:
    # A forked process leaves by os._exit, which runs nothing of what an interpreter does at its end.
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    if coverage is not None:
        coverage.stop()
        coverage.save()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def start_coverage(order: Order) -> Any:
    """Counts the tree's lines when NEXUS_COVERAGE names a folder; the counts are saved at exit."""
    folder = order.environment.get("NEXUS_COVERAGE")
    if not folder:
        return None
    import coverage

    counter = coverage.Coverage(
        data_file=str(Path(folder) / ".coverage"),
        data_suffix=f"{order.module.rpartition('.')[2]}.{os.getpid()}",
        source=[order.tree],
        config_file=False,
    )
    counter.start()
    return counter
