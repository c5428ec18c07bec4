from __future__ import annotations

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    name = "services.settlement"
    label = "settlement"
