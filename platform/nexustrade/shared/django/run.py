"""The life of a Django service's process."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import django
from django.apps import apps

from shared.config import Settings, load_config
from shared.memory import relax_collector
from shared.observability import configure_logging, configure_tracing, get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.http.lifecycle import Part

    Parts = Sequence[Part] | Callable[[Settings], Sequence[Part]]

log = get_logger("run")


def prepare(service: str) -> Settings:
    """Configure logs, traces and Django, so that models may be imported; may be called twice."""
    package = service.replace("-", "_")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"services.{package}.settings")
    settings = Settings.from_env()
    if not apps.ready:
        configure_logging(settings.service)
        configure_tracing(settings)
        django.setup()
        _drop_idle_signals()
    return settings


def run_service(service: str, *, consumers: Parts = (), background: Parts = ()) -> None:
    """Migrate, serve, register with Consul and run consumers and background parts until SIGTERM or SIGINT.

    `consumers` and `background` are objects with `start()` and `stop()`, or functions that make them from the
    settings once Django is ready. At the end: deregister, stop accepting and finish the requests in hand (5 s
    at most), stop the consumers, then the background parts, each group in reverse order.
    """
    settings = prepare(service)

    from django.core.wsgi import get_wsgi_application

    from shared.distributed.registration import ConsulRegistration
    from shared.django.health import add_database_checks, health
    from shared.django.migrate import migrate_apps
    from shared.django.server import ThreadedServer
    from shared.django.statements import trace_statements
    from shared.security.tls import server_context

    config = load_config(settings.env)
    if config.get("observability.trace_statements", bool, False):
        trace_statements()
    migrate_apps()
    add_database_checks()
    threads = config.get("http.threads", int, 16)
    with ExitStack() as life:
        life.callback(_close_pools)
        _start(life, [*_made(background, settings), *_made(consumers, settings)])
        server = ThreadedServer(
            get_wsgi_application(), settings, threads=threads, tls=server_context(settings.tls)
        )
        life.callback(server.close)
        server.stop_on_signals()
        _start(life, [ConsulRegistration(settings, health.ready)])
        relax_collector()
        log.info("serving", host=settings.host, port=settings.port)
        server.run()
        log.info("stopping")
    log.info("stopped")


def _drop_idle_signals() -> None:
    """Spare each request Django's receivers that do nothing here: no query log, no connections kept."""
    from django.core.signals import request_started
    from django.db import close_old_connections, reset_queries

    request_started.disconnect(reset_queries)
    request_started.disconnect(close_old_connections)


def _made(parts: Parts, settings: Settings) -> Sequence[Part]:
    return parts(settings) if callable(parts) else parts


def _start(life: ExitStack, parts: Sequence[Part]) -> None:
    for part in parts:
        part.start()
        life.callback(part.stop)


def _close_pools() -> None:
    from django.db import connections

    from shared.django.databases import database_aliases

    for alias in database_aliases():
        connections[alias].close()
        connections[alias].close_pool()  # type: ignore[attr-defined]
