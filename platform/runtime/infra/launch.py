"""Becomes a part of the infrastructure: run by path, as `python -I -S launch.py '<JSON>'`.

The process first ties its life to its owner's and gives up root where asked, then either replaces
itself by a program (`exec`) or runs a module of this package (`module`). Done here and not in a
`preexec_fn`, because code between fork and exec is not safe in an owner that runs threads.

Modules of `runtime.infra` are found without importing `runtime` itself: a part must stay small,
and the package's own imports are large.

JSON: {"owner": pid, "death_signal": number, "user": [uid, gid] | null, "exec": [argument, …]}
   or {"owner": pid, "death_signal": number, "module": "runtime.infra.…"}
"""

import json
import os
import sys

_PR_SET_PDEATHSIG = 1


def _settle(owner: int, death_signal: int, user: list[int] | None) -> None:
    if sys.platform == "linux":
        # Before the change of user, for whom Python's own folder may be closed.
        import ctypes

        process_control = ctypes.CDLL(None).prctl
    if user is not None:
        os.setgroups([])
        os.setgid(user[1])
        os.setuid(user[0])
    if sys.platform == "linux":
        # After the change of user, which clears it.
        process_control(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != owner:  # it died before the signal was asked for
        sys.exit(1)


def _run_module(name: str) -> None:
    import runpy
    import types

    runtime = types.ModuleType("runtime")
    runtime.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]  # noqa: PTH100, PTH120
    sys.modules["runtime"] = runtime
    # Nothing here speaks TLS; asyncio works without it and stays some megabytes smaller.
    sys.modules["ssl"] = None  # type: ignore[assignment]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def main() -> None:
    order = json.loads(sys.argv[1])
    _settle(order["owner"], order["death_signal"], order.get("user"))
    if "module" in order:
        _run_module(order["module"])
    else:
        os.execv(order["exec"][0], order["exec"])  # noqa: S606 -- the launcher's own order


if __name__ == "__main__":
    main()
