"""`python -m shared.http.probe`: ends with status 0 when the service in this container is ready."""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT = 4.0  # seconds


def is_ready(port: int, host: str = "127.0.0.1") -> bool:
    """Whether /health/ready answers with 200."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_ready(int(os.environ["NEXUS_PORT"])))
