"""What the forkserver imports once for all services: third-party packages, never the tree's code.

Nothing here may start a thread or open a socket: both would be lost in the forked service.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from pathlib import Path

from runtime.launch.density import fill_holes
from runtime.launch.immortal import make_all_immortal
from runtime.launch.lifeline import die_with_parent
from runtime.launch.shells import delay
from runtime.launch.tls import rehearse
from runtime.launch.words import gather_words

# The tree whose services will be forked, in the forkserver's environment.
TREE_VARIABLE = "NEXUS_FORKSERVER_TREE"

MODULES = (
    # Web frameworks
    "anyio._backends._asyncio",
    "django.apps",
    "django.conf",
    "django.contrib.postgres.fields",
    "django.core.handlers.wsgi",
    "django.core.management.commands.migrate",
    "django.core.wsgi",
    "django.utils.translation.trans_null",
    "django.db.backends.postgresql.base",
    "django.db.migrations.executor",
    "django.db.models",
    "django.middleware.common",
    "django.views.debug",
    "fastapi",
    "fastapi.telemetry._runtime",
    "h11",
    "httpcore",
    "httptools",
    "httpx",
    "uvicorn",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "uvloop",
    "waitress",
    "waitress.server",
    "websockets",
    "websockets.asyncio.client",
    # Stores, brokers, registry
    "billiard.pool",
    "celery",
    "celery.app.amqp",
    "celery.app.base",
    "celery.app.control",
    "celery.app.events",
    "celery.apps.worker",
    "celery.backends.redis",
    "celery.concurrency.solo",
    "celery.concurrency.thread",
    "celery.events.receiver",
    "celery.fixups.django",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "confluent_kafka",
    "confluent_kafka.admin",
    "consul",
    "kombu.mixins",
    "kombu.pidbox",
    "kombu.transport.redis",
    "psycopg",
    "psycopg_pool",
    "redis",
    "redis.asyncio",
    # Data, security, observability
    "argon2",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "google.protobuf.internal.builder",
    "google.protobuf.timestamp_pb2",
    "holidays",
    "holidays.financial.ny_stock_exchange",
    "jwt",
    "opentelemetry.propagate",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.trace.propagation.tracecontext",
    "prometheus_client",
    "pydantic",
    "pydantic.v1",  # FastAPI looks into it when an application is made
    "structlog",
    "yaml",
    # The standard library, where services use it and the above do not
    "concurrent.futures.thread",
    "cProfile",
    "multiprocessing.forkserver",
    "netrc",
    "runpy",
    "runtime.launch.child",
    "zoneinfo",
)

# A module for each country, of which a stock exchange needs none.
DELAYED = ("holidays.countries", "holidays.financial")

# Taken along where installed, by packages that do without: a command line with its colours, templates.
SPARED = ("httpx._main", "jinja2", "rich")


def import_all() -> None:
    """Imports what is installed; a tree may do without some of it."""
    for name in DELAYED:
        delay(name)
    spared = [name for name in SPARED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(spared))  # type: ignore[arg-type]  # None: as if it were not installed
    for name in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _import_ninja()
    for name in spared:
        del sys.modules[name]


def _import_ninja() -> None:
    # It reads Django's settings when it is imported. They are given back untouched: each service
    # configures its own. Ninja's own options stay at their defaults, which is all that it read.
    try:
        from django.conf import settings
        from django.utils.functional import empty
    except ImportError:
        return
    settings.configure()
    try:
        for name in ("ninja", "ninja.openapi.views", "ninja.security"):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    finally:
        settings._wrapped = empty  # noqa: SLF001


if __name__ != "__main__":
    die_with_parent()
    gc.disable()
    if tree := os.environ.get(TREE_VARIABLE):
        gather_words(Path(tree))
    import_all()
    rehearse()
    gc.collect()
    make_all_immortal()
    fill_holes()
    # What is there now stays out of later collections, which would copy its shared pages.
    gc.freeze()
    gc.enable()
