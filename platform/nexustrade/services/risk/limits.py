"""Use cases around an account's limit: opening it, setting it, taking from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.risk.models import ExposureLimit
from shared import clock

if TYPE_CHECKING:
    from decimal import Decimal

    from services.risk.policy import Policy


class Taken(NamedTuple):
    """A limit after something was taken from it; `max_var` is None where the value at risk is not bounded."""

    used: Decimal
    limit: Decimal
    max_var: Decimal | None


def limit_take(*, account_id: str, amount: Decimal, policy: Policy) -> Taken | None:
    """Takes `amount` from the account's limit, opened if need be; None when it leaves no room."""
    taken = ExposureLimit.objects.reserve(account_id=account_id, amount=amount)
    if taken is None and limit_open(account_id=account_id, policy=policy):
        taken = ExposureLimit.objects.reserve(account_id=account_id, amount=amount)
    return None if taken is None else Taken(*taken)


def limit_open(*, account_id: str, policy: Policy, owner_id: str = "", tenant: str = "") -> bool:
    """Gives an account that has no limit the default one; returns whether it had none.

    Owner and tenant are noted where they are not known yet: an operator may have set a limit before that.
    """
    limit, created = ExposureLimit.objects.get_or_create(
        account_id=account_id,
        defaults={
            "owner_id": owner_id,
            "tenant": tenant,
            "max_exposure": policy.default_limit,
            "currency": policy.currency,
            "updated_at": clock.now(),
        },
    )
    if owner_id and not limit.tenant:
        ExposureLimit.objects.filter(pk=account_id, tenant="").update(owner_id=owner_id, tenant=tenant)
    return created


def limit_set(
    *, account_id: str, max_exposure: Decimal, used: Decimal | None, policy: Policy
) -> ExposureLimit:
    """Sets the account's limit and, when given, the exposure already in use."""
    changes = {"max_exposure": max_exposure, "updated_at": clock.now()}
    if used is not None:
        changes["used"] = used
    limit, _ = ExposureLimit.objects.update_or_create(
        account_id=account_id, defaults=changes, create_defaults={**changes, "currency": policy.currency}
    )
    return limit
