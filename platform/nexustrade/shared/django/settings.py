"""The settings of a Django service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from shared.config import Settings, load_config
from shared.django.databases import share_default_connection

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECT_TIMEOUT = 3  # seconds
POOL_TIMEOUT = 5.0  # seconds a request waits for a free connection
POOL_IDLE = 30.0  # seconds; so often one connection that nobody used in that time is closed

# Milliseconds. A statement that runs longer than any caller waits is not worth finishing, and a transaction
# that its owner forgot must not hold locks for ever.
STATEMENT_TIMEOUT = 15_000
LOCK_TIMEOUT = 5_000
IDLE_IN_TRANSACTION_TIMEOUT = 60_000

# A server that vanished without a word must not hold a thread for the hours that TCP waits by itself.
DEAD_PEER = {
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": STATEMENT_TIMEOUT,  # milliseconds
}


def base_settings(
    service: str, databases: Sequence[str] = ("orders",), apps: Sequence[str] = ()
) -> dict[str, Any]:
    """Django's settings for `service`, for `globals().update(...)` in its settings module.

    `databases` are the names of those it uses (`users`, `orders`, `audit`); the first is its main one, known
    as "default" too. `apps` defaults to the service's own package. Ends the process with status 78 when an
    environment variable is missing.
    """
    settings = Settings.from_env(databases=databases)
    threads = load_config(settings.env).get("http.threads", int, 16)
    connections = {name: _database(settings, name, service, threads) for name in databases}
    share_default_connection()
    package = f"services.{service.replace('-', '_')}"
    return {
        "NEXUS": settings,
        "SERVICE": service,
        "DEBUG": False,
        "ALLOWED_HOSTS": ["*"],  # the mesh reaches an instance by any of its addresses
        "SECRET_KEY": settings.service_token_secret,
        "ROOT_URLCONF": f"{package}.urls",
        "INSTALLED_APPS": list(apps) or [package],
        "MIDDLEWARE": [
            "shared.django.middleware.length_middleware",
            "shared.django.middleware.exchange_middleware",
            "shared.django.middleware.deadline_middleware",
            "shared.django.middleware.identity_middleware",
        ],
        "DATABASES": {"default": connections[databases[0]], **connections},
        "DATABASE_ROUTERS": ["shared.django.router.ServiceRouter"],
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "TIME_ZONE": "UTC",
        "USE_TZ": True,
        "USE_I18N": False,
        "APPEND_SLASH": False,
        "LOGGING_CONFIG": None,  # shared.observability configures logging
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 1024 * 1024,
    }


def _database(settings: Settings, name: str, service: str, threads: int) -> dict[str, Any]:
    url = urlsplit(settings.database_url(name))
    session = {
        "TimeZone": "UTC",
        "statement_timeout": STATEMENT_TIMEOUT,
        "lock_timeout": LOCK_TIMEOUT,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT,
    }
    return {
        "ENGINE": "shared.django.postgresql",
        "NAME": url.path.lstrip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
        "CONN_MAX_AGE": 0,  # a connection goes back to the pool with the end of its request
        "CONN_HEALTH_CHECKS": True,  # the pool hands out no connection that the server has closed
        "OPTIONS": {
            "application_name": service,
            "connect_timeout": CONNECT_TIMEOUT,
            **DEAD_PEER,
            "options": " ".join(f"-c {key}={value}" for key, value in session.items()),
            "pool": {
                "min_size": 0,  # one is opened when it is first needed, not two
                "max_size": threads,
                "timeout": POOL_TIMEOUT,
                "max_idle": POOL_IDLE,
            },
        },
    }
