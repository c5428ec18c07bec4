"""What the use cases of this process work with, made from its environment and configuration once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from services.settlement.accounts import AccountOwners
from services.settlement.calendar import ExchangeCalendar
from services.settlement.fees import FeeSchedule
from shared.clients import ConsulDiscovery, ServiceClient
from shared.config import Settings, load_config
from shared.sessions import calendar_named


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The calendar that dates trades, the fees they cost, who owns accounts, and how many trades are netted
    in one transaction.
    """  # noqa: D205 - one thought

    calendar: ExchangeCalendar
    fees: FeeSchedule
    accounts: AccountOwners
    batch_size: int


@cache
def dependencies() -> Dependencies:
    """The real ones; tests call the use cases with their own."""
    settings = Settings.from_env(databases=("orders", "users"))
    config = load_config(settings.env)
    return Dependencies(
        calendar=ExchangeCalendar(
            calendar_named(config.get("settlement.calendar", str)),
            settlement_days=config.get("settlement.days", int),
        ),
        fees=FeeSchedule(config.get("settlement.fee_basis_points", Decimal)),
        accounts=AccountOwners(ServiceClient("users", settings, ConsulDiscovery.of(settings))),
        batch_size=config.get("settlement.batch_size", int),
    )
