"""Reading limits, positions and reservations, each only by the account's owner or his tenant's operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from services.risk.limits import limit_open
from services.risk.models import ExposureLimit, LastPrice, Position, Reservation
from shared.errors import NotFound

if TYPE_CHECKING:
    from decimal import Decimal

    from services.risk.policy import Policy
    from services.risk.positions import Holding
    from shared.security import Identity

RESERVATIONS_SHOWN = 200


class Owner(NamedTuple):
    """Whose an account is."""

    owner_id: str
    tenant: str


class OwnerDirectory(Protocol):
    """Who knows the owners of accounts."""

    def owner_of(self, *, account_id: str) -> Owner | None:
        """Returns whose the account is; None when there is no such account."""


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
    """Returns the account's limit; NotFound when the account does not exist or is another's."""
    limit = limit_find(account_id=account_id, identity=identity, directory=directory, policy=policy)
    if limit is None:
        raise _not_found(account_id)
    return limit


def limit_find(
    *, account_id: str, identity: Identity, directory: OwnerDirectory, policy: Policy
) -> ExposureLimit | None:
    """Returns the account's limit, None when there is no such account; NotFound when it is another's.

    The events of users tell the owners; before they arrive, users is asked. The limit of an account that
    nobody has opened is for operators to prepare.
    """
    limit = ExposureLimit.objects.filter(pk=account_id).first()
    if limit is None or not _is_telling(limit, identity):
        limit = _learned(account_id, directory, policy) or limit
    if limit is None or (identity.is_operator and not limit.owner_id):
        return limit
    if not identity.may_act_for(limit.owner_id, limit.tenant):
        raise _not_found(account_id)
    return limit


def owner_get(*, account_id: str, identity: Identity, directory: OwnerDirectory, policy: Policy) -> str:
    """Returns whose account it is, for whoever may see it; NotFound, also when it is nobody's."""
    limit = limit_get(account_id=account_id, identity=identity, directory=directory, policy=policy)
    if not limit.owner_id:
        raise _not_found(account_id)
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


def _is_telling(limit: ExposureLimit, identity: Identity) -> bool:
    """Whether it says enough to decide if the account is the caller's: its tenant matters to operators."""
    return bool(limit.tenant or (limit.owner_id and not identity.is_operator))


def _learned(account_id: str, directory: OwnerDirectory, policy: Policy) -> ExposureLimit | None:
    owner = directory.owner_of(account_id=account_id)
    if owner is None:
        return None
    limit_open(account_id=account_id, owner_id=owner.owner_id, tenant=owner.tenant, policy=policy)
    return ExposureLimit.objects.get(pk=account_id)


def _not_found(account_id: str) -> NotFound:
    return NotFound("no such account", account_id=account_id)
