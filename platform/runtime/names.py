"""The parts of the platform and how they are called."""

from __future__ import annotations

SERVICES = (
    "orders",
    "risk",
    "settlement",
    "users",
    "auth",
    "audit",
    "matching",
    "market-data",
    "notifications",
    "gateway",
)
"""The ten services, in start order: those that take longest to come up first."""

DATABASES = ("users_db", "orders_db", "audit_db")
"""The three databases of the PostgreSQL server."""

COMPOSE_PORTS = {
    "gateway": 8000,
    "auth": 8001,
    "users": 8002,
    "orders": 8003,
    "matching": 8004,
    "risk": 8005,
    "settlement": 8006,
    "market-data": 8007,
    "notifications": 8008,
    "audit": 8009,
}
"""Where the services listen under Docker Compose."""

COMPOSE_DATABASE_PORTS = {"orders_db": 5432, "users_db": 5433, "audit_db": 5434}
"""Where the three PostgreSQL servers listen under Docker Compose."""

OPERATOR = "operator"
"""The user with the operator role that auth creates at its start; and whose name is in the certificate of
those who call services from outside.
"""

PUBLIC = ("gateway",)
"""Services that anyone may call: plain HTTP, since TLS ends at the ingress before them."""


def scheme(service: str) -> str:
    """How to speak with `service`."""
    return "http" if service in PUBLIC else "https"


def module_name(service: str) -> str:
    """The Python package of `service`, below `services`."""
    return service.replace("-", "_")


def service_name(name: str) -> str:
    """The service called `name`, written either way; KeyError when there is none."""
    service = name.replace("_", "-")
    if service not in SERVICES:
        raise KeyError(f"There is no service {name!r}: the services are {', '.join(sorted(SERVICES))}.")
    return service


def database_variable(database: str) -> str:
    """The environment variable that holds the address of `database`, such as DATABASE_URL_ORDERS."""
    return f"DATABASE_URL_{database.removesuffix('_db').upper()}"
