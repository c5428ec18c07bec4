"""Asks one service over and over with the client of the tree, and writes down what became of each call.

A program for `house.beside`: prints a line when the first call is answered, goes on until its input ends,
then prints the calls as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

#: Seconds from one caller to the next, and how many may wait at once.
EVERY, AT_ONCE = 0.05, 40


def main() -> None:
    target, path, patience = sys.argv[1], sys.argv[2], float(sys.argv[3])
    client = _client(target, patience)
    while _call(client, path)["outcome"] != "answered":
        time.sleep(EVERY)
    print("answered", flush=True)
    over = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(over,), daemon=True).start()
    calls: list[Future[dict[str, Any]]] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while not over.wait(EVERY):
            calls.append(pool.submit(_call, client, path))
    print(json.dumps([call.result() for call in calls]))


def _client(target: str, patience: float) -> Any:
    from shared.clients import ConsulDiscovery, ServiceClient
    from shared.config import Settings

    settings = Settings.from_mapping(os.environ)
    return ServiceClient(target, settings, ConsulDiscovery.of(settings), timeout=patience)


def _wait_for_the_end(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()


def _call(client: Any, path: str) -> dict[str, Any]:
    from shared.clients import CircuitOpen
    from shared.errors import NexusError
    from shared.security import Identity

    operator = Identity(subject="operator", roles=("operator",))
    sent, begin = time.time(), time.perf_counter()
    try:
        answer = client.request("GET", path, identity=operator)
        outcome = "answered" if answer.status_code < 500 else "in vain"
    except CircuitOpen:
        outcome = "refused"
    except NexusError:
        outcome = "in vain"
    return {"sent": sent, "seconds": time.perf_counter() - begin, "outcome": outcome}


if __name__ == "__main__":
    main()
