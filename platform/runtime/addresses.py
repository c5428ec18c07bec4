"""Where everything of one platform is, and the environment variables that tell a service."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from runtime.names import (
    COMPOSE_DATABASE_PORTS,
    COMPOSE_PORTS,
    DATABASES,
    OPERATOR,
    SERVICES,
    database_variable,
    scheme,
)
from runtime.tls import Credentials

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

# What a service may see of the owner's environment. Everything else could change how it behaves.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "NEXUS_COVERAGE")


@dataclass(frozen=True)
class Addresses:
    """The outside of a platform: all that a client needs to know."""

    services: dict[str, str]  # service → base address
    databases: dict[str, str]  # database → postgresql://…
    redis: str
    kafka: str
    consul: str
    exchange: str = ""
    operator_password: str = field(default="", repr=False)
    service_token_secret: str = field(default="", repr=False)
    credentials: Credentials | None = None  # the operator's, to call services past the gateway

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What to call services with; None when no certificate is known."""
        return self.credentials.context() if self.credentials else None

    @property
    def operator(self) -> tuple[str, str]:
        """User name and password of the operator."""
        return OPERATOR, self.operator_password

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Addresses:
        known = data.get("credentials")
        return cls(**{**data, "credentials": Credentials(**known) if known else None})

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Addresses:
        """Reads NEXUS_URL_<SERVICE>, and the names that the services themselves use for the rest.

        What is not given is where Docker Compose puts it on this machine.
        """
        given = os.environ if environment is None else environment
        host = given.get("NEXUS_EXTERNAL_HOST", "127.0.0.1")
        login = f"nexus:{given.get('POSTGRES_PASSWORD', 'nexus')}"
        return cls(
            services={
                service: given.get(
                    url_variable(service), f"{scheme(service)}://{host}:{COMPOSE_PORTS[service]}"
                )
                for service in SERVICES
            },
            databases={
                database: given.get(
                    database_variable(database),
                    f"postgresql://{login}@{host}:{COMPOSE_DATABASE_PORTS[database]}/{database}",
                )
                for database in DATABASES
            },
            redis=given.get("REDIS_URL", f"redis://{host}:6379/0"),
            kafka=given.get("KAFKA_BOOTSTRAP_SERVERS", f"{host}:9092"),
            consul=given.get("CONSUL_HTTP_ADDR", f"http://{host}:8500"),
            exchange=given.get("EXCHANGE_FEED_URL", f"http://{host}:8600"),
            operator_password=given.get("OPERATOR_PASSWORD", "operator-for-development"),
            service_token_secret=given.get("SERVICE_TOKEN_SECRET", "a-secret-for-development-on-one-machine"),
            credentials=Credentials.from_environment(given),
        )

    def infrastructure_environment(self) -> dict[str, str]:
        """The variables that tell a service where its stores and brokers are."""
        return {
            **{database_variable(database): url for database, url in self.databases.items()},
            "REDIS_URL": self.redis,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "CONSUL_HTTP_ADDR": self.consul,
            "EXCHANGE_FEED_URL": self.exchange,
            "SERVICE_TOKEN_SECRET": self.service_token_secret,
            "OPERATOR_PASSWORD": self.operator_password,
            **(self.credentials.environment() if self.credentials else {}),
        }


def url_variable(service: str) -> str:
    """The variable that names the address of a service to the external backend."""
    return f"NEXUS_URL_{service.replace('-', '_').upper()}"


def inherited_environment() -> dict[str, str]:
    """The part of this process's environment that services get too."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
