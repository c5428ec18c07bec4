"""What a process is told by its environment, read once and typed."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.config.errors import EXIT_CONFIG, ConfigError, MissingVariable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENVIRONMENTS = ("development", "simulation", "test", "production")
DATABASES = ("users", "orders", "audit")
SECRET_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Paths of the PEM files with which a service proves who it is, and tells who others are."""

    ca: str = ""
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment of one service process; see `from_env`."""

    service: str
    port: int
    redis_url: str = field(repr=False)
    kafka_bootstrap_servers: str
    consul_http_addr: str
    service_token_secret: str = field(repr=False)
    tls: TlsFiles = field(default_factory=TlsFiles)
    env: str = "development"
    host: str = "127.0.0.1"
    advertise_host: str = "127.0.0.1"
    instance_id: str = ""
    consul_http_token: str | None = field(default=None, repr=False)
    operator_password: str | None = field(default=None, repr=False)
    clock_file: str | None = None
    trace_file: str | None = None
    exchange_feed_url: str = ""
    database_urls: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(cls, *, databases: Iterable[str] = (), exchange: bool = False) -> Settings:
        """The settings of this process; `databases` names those it cannot do without, as with `exchange`.

        Ends the process with one line on stderr and status 78 when a variable is missing or malformed, or
        names a certificate that is of no use.
        """
        from shared.security.tls import check

        try:
            settings = cls.from_mapping(os.environ, databases=databases, exchange=exchange)
            check(settings.tls)
            return settings
        except ConfigError as error:
            print(error.message, file=sys.stderr)
            raise SystemExit(EXIT_CONFIG) from None

    @classmethod
    def from_mapping(
        cls, environ: Mapping[str, str], *, databases: Iterable[str] = (), exchange: bool = False
    ) -> Settings:
        """The settings that `environ` describes; MissingVariable or ConfigError name what is wrong."""
        service, port = _required(environ, "NEXUS_SERVICE"), _port(_required(environ, "NEXUS_PORT"))
        host = environ.get("NEXUS_HOST") or "127.0.0.1"
        for database in databases:
            _required(environ, f"DATABASE_URL_{database.upper()}")
        if exchange:
            _required(environ, "EXCHANGE_FEED_URL")
        return cls(
            service=service,
            port=port,
            redis_url=_required(environ, "REDIS_URL"),
            kafka_bootstrap_servers=_required(environ, "KAFKA_BOOTSTRAP_SERVERS"),
            consul_http_addr=_required(environ, "CONSUL_HTTP_ADDR"),
            service_token_secret=_secret(_required(environ, "SERVICE_TOKEN_SECRET")),
            tls=TlsFiles(
                ca=_required(environ, "NEXUS_TLS_CA"),
                certificate=_required(environ, "NEXUS_TLS_CERT"),
                key=_required(environ, "NEXUS_TLS_KEY"),
            ),
            env=_environment(environ.get("NEXUS_ENV") or "development"),
            host=host,
            advertise_host=environ.get("NEXUS_ADVERTISE_HOST") or host,
            instance_id=environ.get("NEXUS_INSTANCE_ID") or f"{service}-{port}",
            consul_http_token=environ.get("CONSUL_HTTP_TOKEN") or None,
            operator_password=environ.get("OPERATOR_PASSWORD") or None,
            clock_file=environ.get("NEXUS_CLOCK_FILE") or None,
            trace_file=environ.get("NEXUS_TRACE_FILE") or None,
            exchange_feed_url=environ.get("EXCHANGE_FEED_URL") or "",
            database_urls={
                name: url for name in DATABASES if (url := environ.get(f"DATABASE_URL_{name.upper()}"))
            },
        )

    def database_url(self, name: str) -> str:
        """The URL of the database `users`, `orders` or `audit`; MissingVariable when it was not given."""
        try:
            return self.database_urls[name]
        except KeyError:
            raise MissingVariable(f"DATABASE_URL_{name.upper()}") from None


def _required(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable)
    if not value:
        raise MissingVariable(variable)
    return value


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ConfigError(f"NEXUS_PORT must be a port number, not {text[:20]!r}", variable="NEXUS_PORT")
    return int(text)


def _secret(text: str) -> str:
    if len(text) < SECRET_LENGTH:
        raise ConfigError(
            f"SERVICE_TOKEN_SECRET must have at least {SECRET_LENGTH} characters",
            variable="SERVICE_TOKEN_SECRET",
        )
    return text


def _environment(name: str) -> str:
    if name not in ENVIRONMENTS:
        raise ConfigError(
            f"NEXUS_ENV must be one of {', '.join(ENVIRONMENTS)}, not {name!r}", variable="NEXUS_ENV"
        )
    return name
