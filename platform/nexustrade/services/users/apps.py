from __future__ import annotations

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "services.users"
    label = "users"
