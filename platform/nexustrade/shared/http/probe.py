"""`python -m shared.http.probe`: ends with status 0 when the service in this container is ready.

With `--public`, the service is the gateway, which speaks plain HTTP.
"""

from __future__ import annotations

import http.client
import os
import ssl
import sys

TIMEOUT = 4.0  # seconds


def is_ready(port: int, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> bool:
    """Whether /health/ready answers with 200, over TLS where `tls` is given."""
    connection = (
        http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        if tls is None
        else http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=tls)
    )
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def own_context() -> ssl.SSLContext:
    """What the service calls others with. Made here: a probe starts often, and imports little."""
    context = ssl.create_default_context(cafile=os.environ["NEXUS_TLS_CA"])
    context.load_cert_chain(os.environ["NEXUS_TLS_CERT"], os.environ["NEXUS_TLS_KEY"])
    return context


if __name__ == "__main__":
    sys.exit(
        not is_ready(int(os.environ["NEXUS_PORT"]), tls=None if "--public" in sys.argv else own_context())
    )
