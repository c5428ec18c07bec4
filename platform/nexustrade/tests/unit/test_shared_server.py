from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread, current_thread
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.wait import until

from shared.django.postgresql.base import check_connection
from shared.django.server import ThreadedServer

pytestmark = pytest.mark.services("auth", "users", "orders", "risk", "settlement", "audit")

Application = Callable[[dict[str, Any], Callable[..., Any]], list[bytes]]


def answering(work: Callable[[], object]) -> Application:
    """A WSGI application that does `work` and then answers 200."""

    def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        work()
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    return application


class Running:
    def __init__(self, application: Application) -> None:
        settings: Any = SimpleNamespace(host="127.0.0.1", port=0)
        self.server = ThreadedServer(application, settings, threads=4)  # type: ignore[arg-type]
        self.url = f"http://127.0.0.1:{self.server.port}/"
        self.thread = Thread(target=self._life, daemon=True)
        self.thread.start()

    def _life(self) -> None:
        self.server.run()
        self.server.close()

    def get(self) -> int:
        return httpx.get(self.url, timeout=90, trust_env=False).status_code


@pytest.fixture
def run() -> Iterator[Callable[[Application], Running]]:
    started: list[Running] = []

    def start(application: Application) -> Running:
        started.append(Running(application))
        return started[-1]

    yield start
    for each in started:
        each.server.stop()
        each.thread.join(10)
        assert not each.thread.is_alive()


def test_requests_are_served_side_by_side(run: Callable[[Application], Running]) -> None:
    """Four requests that wait for one another are all answered."""
    together = Barrier(4)
    running = run(answering(lambda: together.wait(60)))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: running.get(), range(4))) == [200] * 4


def test_threads_start_as_requests_need_them(run: Callable[[Application], Running]) -> None:
    """An idle server has no threads; with as many requests at once as it may serve it has that many."""
    seen: set[str] = set()
    together = Barrier(4)

    def work() -> None:
        seen.add(current_thread().name)
        together.wait(60)

    running = run(answering(work))
    assert not running.server.threads
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: running.get(), range(8))) == [200] * 8
    assert len(seen) == running.server.threads == 4


def test_request_in_hand_is_answered_at_shutdown(run: Callable[[Application], Running]) -> None:
    """Stopping takes no new connections, and cuts off nobody who is being served."""
    begun, go_on = Event(), Event()

    def work() -> None:
        begun.set()
        go_on.wait(60)

    running = run(answering(work))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(running.get)
        assert begun.wait(60)
        running.server.stop()
        # The listening socket goes first: wait until it refuses.
        until(lambda: not accepts(running.server.port), message="still accepting")
        go_on.set()
        assert answer.result(60) == 200


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        # The listening socket went while this handshake was under way: only the next one tells.
        return True
    return True


class Connection:
    """A pooled connection whose server is the other end of a socket pair."""

    autocommit = True

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        self.asked = 0

    def fileno(self) -> int:
        return self.near.fileno()

    def execute(self, _query: str) -> None:
        self.asked += 1
        if not self.near.recv(1):
            raise ConnectionError("the server closed the connection")

    def close(self) -> None:
        self.near.close()
        self.far.close()


@pytest.fixture
def connection() -> Iterator[Any]:
    made = Connection()
    yield made
    made.close()


def test_healthy_pooled_connection_costs_no_round_trip(connection: Any) -> None:
    """An idle connection on which nothing has arrived is handed out without asking the server."""
    check_connection(connection)
    assert connection.asked == 0


def test_closed_pooled_connection_is_found_out(connection: Any) -> None:
    """A connection whose server has gone is refused, and the pool makes a new one."""
    connection.far.close()
    with pytest.raises(ConnectionError):
        check_connection(connection)
