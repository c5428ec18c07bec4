from __future__ import annotations

from django.apps import AppConfig


class AuthConfig(AppConfig):
    """Labelled apart from Django's own `auth`."""

    name = "services.auth"
    label = "nexus_auth"
