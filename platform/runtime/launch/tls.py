"""Makes OpenSSL set up what it needs for handshakes, once for all services that will be forked."""

from __future__ import annotations

import contextlib
import ssl


def rehearse() -> None:
    """Plays the beginning of a handshake in memory, as far as it goes without a certificate.

    OpenSSL loads its algorithms when they are first asked for, over a mebibyte in each process that does so
    by itself. Its random numbers start afresh in a forked process.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(to_client, to_server, server_hostname="service")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        with contextlib.suppress(ssl.SSLError):
            side.do_handshake()
