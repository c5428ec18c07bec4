"""Proving who one is: the certificates of services, and of those who call services from outside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

CA, CERTIFICATE, KEY = "NEXUS_TLS_CA", "NEXUS_TLS_CERT", "NEXUS_TLS_KEY"
"""The variables in which services, and tools under the external backend, find the three files."""


@dataclass(frozen=True)
class Credentials:
    """Three PEM files: the authority to trust, a certificate of it and that certificate's private key."""

    ca: str
    certificate: str
    key: str

    @classmethod
    def of(cls, folder: Path, name: str) -> Credentials:
        """Those of `name` in a folder that `runtime.authority` has filled."""
        return cls(*(str(folder / file) for file in ("ca.crt", f"{name}.crt", f"{name}.key")))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Credentials | None:
        """Those that the variables name; None when one is missing."""
        paths = [environment.get(variable, "") for variable in (CA, CERTIFICATE, KEY)]
        return cls(*paths) if all(paths) else None

    def environment(self) -> dict[str, str]:
        """The variables that tell a process."""
        return {CA: self.ca, CERTIFICATE: self.certificate, KEY: self.key}

    def context(self) -> ssl.SSLContext:
        """For calls: demands a certificate of the authority, and presents one's own.

        Made once as long as the files stay as they are.
        """
        return _context(self, Path(self.certificate).stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _context(credentials: Credentials, _written: int) -> ssl.SSLContext:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(credentials.ca)
    context.load_cert_chain(credentials.certificate, credentials.key)
    return context
