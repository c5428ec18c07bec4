"""A tiny tree to run the runtime with: ten services of the standard library alone."""

from __future__ import annotations

from pathlib import Path

from runtime.names import SERVICES, module_name

SHARED = """
import http.server, json, os, signal, ssl, struct, sys, threading, time, urllib.request

def say(event, **fields):
    line = {"timestamp": f"{time.time():.6f}", "level": "info", "event": event}
    print(json.dumps(line | fields), flush=True)

def span(trace_id, name):
    now = time.time()
    record = {"trace_id": trace_id, "span_id": name, "parent_id": None, "name": name, "start": now}
    with open(os.environ["NEXUS_TRACE_FILE"], "a") as file:
        file.write(json.dumps(record) + "\\n")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.answer()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def answer(self):
        from services.WORD import WORD
        say("request", path=self.path, trace_id="abc")
        span("abc", self.path)
        if self.path == "/metrics":
            return 'requests_total{path="/b",method="GET"} 3.0\\n'
        if self.path == "/clock":
            with open(os.environ["NEXUS_CLOCK_FILE"], "rb") as file:
                return str(struct.unpack("<q", file.read(8))[0])
        if self.path.startswith("/fetch/"):
            return str(fetch(self.path.removeprefix("/fetch/")))
        if self.path == "/environment":
            return json.dumps(dict(os.environ))
        if self.path == "/word":
            return WORD
        return json.dumps({"status": "ok"})

    def log_message(self, *arguments):
        pass

def fetch(variable):
    import psycopg
    with psycopg.connect(os.environ[variable], connect_timeout=3) as connection:
        return connection.execute("select 41 + 1").fetchone()[0]

class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True

def main():
    server = Server((os.environ["NEXUS_HOST"], int(os.environ["NEXUS_PORT"])), Handler)
    if os.environ["NEXUS_SERVICE"] != "gateway":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=os.environ["NEXUS_TLS_CA"])
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(os.environ["NEXUS_TLS_CERT"], os.environ["NEXUS_TLS_KEY"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    say("started")
    server.serve_forever()
    say("stopped")
"""


def make_toy_tree(folder: Path) -> Path:
    """Writes the tree into `folder` and returns it."""
    (folder / "shared").mkdir(parents=True)
    (folder / "services").mkdir()
    (folder / "config").mkdir()
    (folder / "config" / "topics.yaml").write_text("topics:\n  orders: {partitions: 2}\n  trades: 1\n")
    for package in ("shared", "services"):
        (folder / package / "__init__.py").touch()
    for service in SERVICES:
        name = module_name(service)
        package_folder = folder / "services" / name
        package_folder.mkdir()
        (package_folder / "__init__.py").touch()
        (package_folder / "__main__.py").write_text(f"from services.{name}.bootstrap import main\n\nmain()\n")
        (package_folder / "bootstrap.py").write_text(SHARED.replace("services.WORD", f"services.{name}.word"))
        (package_folder / "word.py").write_text('WORD = "first"\n')
    return folder
