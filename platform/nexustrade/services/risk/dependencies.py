"""What the use cases of this process work with, made from its environment and configuration once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from services.risk.clients import UsersDirectory
from services.risk.pnl import ProfitCache
from services.risk.policy import Policy
from shared.clients import ConsulDiscovery, ServiceClient
from shared.config import Settings, load_config

if TYPE_CHECKING:
    from services.risk.queries import OwnerDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Who knows the owners of accounts, the figures that risk is configured with, and those worked out."""

    accounts: OwnerDirectory
    policy: Policy
    profits: ProfitCache


@cache
def dependencies() -> Dependencies:
    """The real ones; tests call the use cases with their own."""
    settings = Settings.from_env(databases=("orders",))
    users = ServiceClient("users", settings, ConsulDiscovery.of(settings))
    config = load_config(settings.env)
    return Dependencies(
        accounts=UsersDirectory(users),
        policy=Policy.from_config(config),
        profits=ProfitCache(config.get("risk.profit_figures", int)),
    )
