"""Consul as one service is to see it: everything passes, but some services appear at other ports."""

from __future__ import annotations

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date"})
# Longer than Consul lets a blocking query wait.
_SECONDS = 620.0


class ConsulView:
    """Passes requests on to the agent at `agent`, and puts `ports` (service → port) into its answers."""

    def __init__(self, agent: str, ports: dict[str, int]) -> None:
        handler = type("Handler", (_Handler,), {"agent": urlsplit(agent), "ports": ports})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="consul-view", daemon=True).start()

    @property
    def address(self) -> str:
        """What goes into CONSUL_HTTP_ADDR."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    agent: Any = None
    ports: dict[str, int] = {}  # noqa: RUF012  # given to the subclass of each view

    def handle_any(self) -> None:
        """Passes one request on."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        upstream = http.client.HTTPConnection(self.agent.hostname, self.agent.port, timeout=_SECONDS)
        try:
            upstream.request(self.command, self.path, body=body, headers=headers)
            answer = upstream.getresponse()
            content = self._changed(answer.read()) if answer.status == 200 else answer.read()
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # as an agent that is gone would
            return
        finally:
            upstream.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815  # names that the base calls

    def _changed(self, content: bytes) -> bytes:
        if not self.path.startswith(("/v1/health/service/", "/v1/catalog/service/")):
            return content
        entries = json.loads(content)
        for entry in entries:
            if self.path.startswith("/v1/health/"):
                service = entry["Service"]
                service["Port"] = self.ports.get(service["Service"], service["Port"])
            else:
                entry["ServicePort"] = self.ports.get(entry["ServiceName"], entry["ServicePort"])
        return json.dumps(entries).encode()

    def log_message(self, *arguments: Any) -> None:
        """Says nothing."""
