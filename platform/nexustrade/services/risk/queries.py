"""Reading limits, positions and reservations, each only by the account's owner or an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.risk.limits import limit_open
from services.risk.models import ExposureLimit, LastPrice, Position, Reservation
from shared.errors import NotFound

if TYPE_CHECKING:
    from decimal import Decimal

    from services.risk.policy import Policy
    from services.risk.positions import Holding
    from shared.security import Identity

RESERVATIONS_SHOWN = 200


class OwnerDirectory(Protocol):
    """Who knows the owners of accounts."""

    def owner_of(self, *, account_id: str, identity: Identity) -> str:
        """Returns the user id; NotFound when there is no such account that the caller may see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """A holding at the last price of its symbol."""

    symbol: str
    holding: Holding
    last_price: Decimal | None

    @property
    def unrealized_pnl(self) -> Decimal:
        """What closing the holding at the last price would earn."""
        return self.holding.unrealized_pnl(self.last_price)


def limit_get(
    *, account_id: str, identity: Identity, directory: OwnerDirectory, policy: Policy
) -> ExposureLimit:
    """Returns the account's limit; NotFound when the account does not exist or is another's.

    The events of users tell the owners; before they arrive, users is asked.
    """
    limit = ExposureLimit.objects.filter(pk=account_id).first()
    if limit is None or not (limit.owner_id or identity.is_operator):
        owner_id = directory.owner_of(account_id=account_id, identity=identity)
        limit_open(account_id=account_id, owner_id=owner_id, policy=policy)
        limit = ExposureLimit.objects.get(pk=account_id)
    if limit.owner_id != identity.subject and not identity.is_operator:
        raise NotFound("no such account", account_id=account_id)
    return limit


def owner_get(*, account_id: str, identity: Identity, directory: OwnerDirectory, policy: Policy) -> str:
    """Returns whose account it is, for whoever may see it; users is asked when no event has told yet."""
    limit = limit_get(account_id=account_id, identity=identity, directory=directory, policy=policy)
    if not limit.owner_id:
        limit.owner_id = directory.owner_of(account_id=account_id, identity=identity)
        limit_open(account_id=account_id, owner_id=limit.owner_id, policy=policy)
    return limit.owner_id


def positions_list(**accounts: object) -> list[Valuation]:
    """Returns the positions of `account_id`, or of all in `account_id__in`, flat ones included, by symbol."""
    positions = list(Position.objects.filter(**accounts).order_by("symbol", "account_id"))
    prices = LastPrice.objects.in_bulk([position.symbol for position in positions])
    return [
        Valuation(
            symbol=position.symbol,
            holding=position.holding,
            last_price=prices[position.symbol].price if position.symbol in prices else None,
        )
        for position in positions
    ]


def reservations_list(*, account_id: str) -> list[Reservation]:
    """Returns the account's latest reservations, newest first."""
    rows = Reservation.objects.filter(account_id=account_id).order_by("-created_at", "-order_id")
    return list(rows[:RESERVATIONS_SHOWN])
