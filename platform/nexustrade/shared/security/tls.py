"""Mutual TLS: who serves and who calls each prove their name by a certificate of the house's authority.

A certificate holds the name of its service as DNS name. Instances are reached by address, so a caller says
which service it means, and the handshake fails for any other.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.config.errors import ConfigError

if TYPE_CHECKING:
    from shared.config.settings import TlsFiles

VARIABLES = {"ca": "NEXUS_TLS_CA", "certificate": "NEXUS_TLS_CERT", "key": "NEXUS_TLS_KEY"}


@lru_cache(maxsize=8)
def client_context(files: TlsFiles) -> ssl.SSLContext:
    """For calls: whoever answers must have a certificate of our authority, made out to the name called.

    One per process and certificate; ConfigError like `check`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(context, files)
    return context


@lru_cache(maxsize=8)
def server_context(files: TlsFiles) -> ssl.SSLContext:
    """For serving: whoever calls must have a certificate of our authority. ConfigError like `check`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0  # callers keep their connections; a ticket would hold the caller's certificate
    _load(context, files)
    return context


def check(files: TlsFiles) -> None:
    """Look at the files before anything is started; ConfigError names the variable and the file at fault."""
    for field, variable in VARIABLES.items():
        path = getattr(files, field)
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise _unusable(variable, path, error.strerror or "cannot be read") from error
    client_context(files)


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(files.ca)
    except OSError as error:
        raise _unusable(VARIABLES["ca"], files.ca, "holds no certificate") from error
    try:
        # Without a password: OpenSSL would ask the terminal for one.
        context.load_cert_chain(files.certificate, files.key, password="")
    except OSError as error:
        raise _unusable(
            VARIABLES["certificate"], files.certificate, f"does not go with {VARIABLES['key']} {files.key}"
        ) from error


def _unusable(variable: str, path: str, reason: str) -> ConfigError:
    return ConfigError(f"{variable} names {path}: {reason}", variable=variable)
