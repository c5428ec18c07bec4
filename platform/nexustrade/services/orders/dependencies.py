"""What the use cases of this process work with, made from its environment and configuration once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from services.orders.clients import RiskDesk, UsersDirectory
from services.orders.credit import CreditCheckPolicy
from shared.clients import ConsulDiscovery, ServiceClient
from shared.config import Settings, load_config

if TYPE_CHECKING:
    from services.orders.clients import AccountDirectory, ExposureDesk

BASIS_POINT = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Who reserves exposure, who knows accounts, and what orders is configured with.

    `calendar` is that of instruments which name none; `fee_rate` is the part of a traded value that each
    side pays.
    """

    risk: ExposureDesk
    accounts: AccountDirectory
    credit_check: CreditCheckPolicy
    calendar: str
    fee_rate: Decimal
    page_size: int
    page_size_max: int


@cache
def dependencies() -> Dependencies:
    """The real ones; tests call the use cases with their own."""
    settings = Settings.from_env(databases=("orders",))
    config = load_config(settings.env)
    discovery = ConsulDiscovery.of(settings)
    policy = CreditCheckPolicy.from_config(config)
    # Longer than other calls may take: many orders of one account wait for each other at its limit. Whose
    # account it is belongs to the check: an order is not refused because users takes its time.
    patience = policy.timeout.total_seconds()
    return Dependencies(
        risk=RiskDesk(ServiceClient("risk", settings, discovery, timeout=patience)),
        accounts=UsersDirectory(ServiceClient("users", settings, discovery, timeout=patience)),
        credit_check=policy,
        calendar=config.get("market.calendar", str),
        fee_rate=config.get("settlement.fee_basis_points", Decimal) * BASIS_POINT,
        page_size=config.get("orders.page_size", int),
        page_size_max=config.get("orders.page_size_max", int),
    )
