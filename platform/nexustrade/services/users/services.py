"""Use cases: the caller's profile, and the accounts that he opens, reads and closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from services.users.models import DATABASE, Account, Profile, UsersOutbox
from shared import clock
from shared.django import outbox
from shared.errors import NotFound
from shared.events import envelope_for, route
from shared.events.types import AccountClosed, AccountOpened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.events.types import Event
    from shared.security import Identity

# Where an event stands in the life of its account; consumers apply them in this order.
_OPENED, _CLOSED = 1, 2


def profile_get(*, identity: Identity) -> Profile:
    """The caller's profile, empty when he has not filled it in yet."""
    return Profile.objects.filter(pk=identity.subject).first() or Profile(user_id=identity.subject)


def profile_update(*, identity: Identity, changes: Mapping[str, Any]) -> Profile:
    """Writes `changes`, by field, into the caller's profile and returns it."""
    profile, _ = Profile.objects.update_or_create(
        user_id=identity.subject, defaults={"tenant": identity.tenant, **changes}
    )
    return profile


def account_open(*, identity: Identity, name: str, currency: str) -> Account:
    """Opens an account for the caller; AccountOpened leaves with the same transaction."""
    identity.require_permission("accounts:write")
    with transaction.atomic(using=DATABASE):
        account = Account.objects.create(
            owner_id=identity.subject, tenant=identity.tenant, name=name, currency=currency
        )
        opened = AccountOpened(
            account_id=account.pk,
            owner_id=account.owner_id,
            tenant=account.tenant,
            opened_at=account.opened_at,
        )
        _announce(account, opened, _OPENED)
    return account


def account_list(*, identity: Identity) -> list[Account]:
    """The caller's accounts, oldest first, closed ones included."""
    accounts = Account.objects.filter(owner_id=identity.subject, tenant=identity.tenant)
    return list(accounts.order_by("opened_at", "account_id"))


def account_get(*, identity: Identity, account_id: str) -> Account:
    """An account of the caller's; any of its tenant for an operator, any for a service on its own behalf.

    NotFound for all others: a stranger does not learn that an account exists.
    """
    return _account(Account.objects.all(), identity, account_id)


def account_close(*, identity: Identity, account_id: str) -> Account:
    """Closes an account; AccountClosed leaves with the same transaction. Closing it again changes nothing."""
    identity.require_permission("accounts:write")
    with transaction.atomic(using=DATABASE):
        account = _account(Account.objects.select_for_update(), identity, account_id)
        if account.status == Account.Status.CLOSED:
            return account
        account.status = Account.Status.CLOSED
        account.closed_at = clock.now()
        account.save(update_fields=["status", "closed_at"])
        _announce(account, AccountClosed(account_id=account.pk, closed_at=account.closed_at), _CLOSED)
    return account


def account_rename(*, identity: Identity, account_id: str, name: str) -> Account:
    """Gives an account of the caller's another name."""
    identity.require_permission("accounts:write")
    account = account_get(identity=identity, account_id=account_id)
    account.name = name
    account.save(update_fields=["name"])
    return account


def _account(accounts: Any, identity: Identity, account_id: str) -> Account:
    account: Account | None = accounts.filter(pk=account_id).first()
    if account is None or not _may_see(identity, account):
        raise NotFound("there is no such account", account_id=account_id)
    return account


def _may_see(identity: Identity, account: Account) -> bool:
    if "service" in identity.roles:
        return True
    # Closer than for its orders and its money: a user who has moved to another tenant leaves it behind.
    return identity.tenant == account.tenant and identity.may_act_for(account.owner_id, account.tenant)


def _announce(account: Account, event: Event, sequence: int) -> None:
    envelope = envelope_for(event, producer="users", aggregate_id=account.pk, sequence=sequence)
    outbox.enqueue(UsersOutbox, *route(event), envelope)
