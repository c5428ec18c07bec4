"""What the six Django services share.

The names are loaded when they are first asked for: settings are made before Django may be imported in full,
and models may be imported only after it is set up.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.django.api import InternalAuth, make_api
    from shared.django.inbox import process_once
    from shared.django.outbox import OutboxRelay, enqueue
    from shared.django.run import prepare, run_service
    from shared.django.settings import base_settings
    from shared.django.urls import service_urls

_HOMES = {
    "InternalAuth": "api",
    "OutboxRelay": "outbox",
    "base_settings": "settings",
    "enqueue": "outbox",
    "make_api": "api",
    "prepare": "run",
    "process_once": "inbox",
    "run_service": "run",
    "service_urls": "urls",
}

__all__ = [
    "InternalAuth",
    "OutboxRelay",
    "base_settings",
    "enqueue",
    "make_api",
    "prepare",
    "process_once",
    "run_service",
    "service_urls",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"shared.django.{_HOMES[name]}"), name)
