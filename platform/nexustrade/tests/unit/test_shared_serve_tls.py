from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from support.certificates import files_of
from support.wait import until

from runtime.authority import Authority
from runtime.tls import Credentials
from shared.http.serve import _Connection, _Server
from shared.security.tls import server_context

pytestmark = pytest.mark.services("matching", "market-data", "notifications")


class Threaded(_Server):
    def capture_signals(self) -> Any:
        return nullcontext()  # they belong to the main thread


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Threaded]:
    """A server of the house that waits without end for its connections when it is stopped."""
    app = FastAPI()
    app.get("/")(lambda: "here")
    context = server_context(files_of(Authority.create().equip(tmp_path, "matching")))
    config = uvicorn.Config(
        app, port=0, http=_Connection, log_config=None, ssl_context_factory=lambda *_: context
    )
    made = Threaded(config, parts=[])
    thread = Thread(target=made.run, daemon=True)
    thread.start()
    until(lambda: made.started, message="the server listens")
    yield made
    made.should_exit = True
    thread.join(60)
    assert not thread.is_alive(), "an idle caller keeps the server from stopping"


def test_callers_who_keep_connections_do_not_hold_up_the_end(server: Threaded, tmp_path: Path) -> None:
    """A server that is stopped says goodbye, and does not wait until idle callers have answered."""
    port = server.servers[0].sockets[0].getsockname()[1]
    context = Credentials.of(tmp_path, "matching").context()
    with httpx.Client(verify=context, base_url=f"https://127.0.0.1:{port}") as client:
        assert client.get("/").json() == "here"
        server.should_exit = True
        until(lambda: not server.server_state.connections, message="the connection is closed")
