"""The accounts that orders may be placed for: a copy of what users reports, kept current by its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.orders.models import AccountRef
from shared import clock
from shared.cache import TTLCache
from shared.errors import Conflict, NotFound

if TYPE_CHECKING:
    from services.orders.clients import AccountDirectory
    from shared.security import Identity

OPEN, CLOSED = "open", "closed"

# Word of a closing travels by event and may be late anyway; a second more spares a busy account its query.
RECENT_SECONDS = 1.0

_recent: TTLCache[str, AccountRef] = TTLCache(RECENT_SECONDS)


def account_resolve(*, account_id: str, identity: Identity, directory: AccountDirectory) -> AccountRef:
    """Returns the caller's open account, asking users when it is not known here yet.

    NotFound when it does not exist or is another's; Conflict when it is closed.
    """
    account = _recent.peek(account_id)
    if account is None or not _is_telling(account, identity):
        account = _looked_up(account_id, identity, directory)
        _recent.put(account_id, account)
    if not identity.may_act_for(account.owner_id, account.tenant):
        raise NotFound("no such account", account_id=account_id)
    if account.status == CLOSED:
        raise Conflict("the account is closed", account_id=account_id)
    return account


def account_record(*, account_id: str, owner_id: str, tenant: str, status: str = OPEN) -> AccountRef:
    """Notes an account that was not known, and whose a known one is; closed ones stay closed."""
    owner = {"owner_id": owner_id, "tenant": tenant}
    account, _ = AccountRef.objects.get_or_create(
        account_id=account_id, defaults={**owner, "status": status, "synced_at": clock.now()}
    )
    if not account.tenant:
        AccountRef.objects.filter(pk=account_id, tenant="").update(**owner)
        account.owner_id, account.tenant = owner_id, tenant
    return account


def account_close(*, account_id: str) -> None:
    """Closes an account for good, known or not: whoever hears of its opening later finds it closed."""
    AccountRef.objects.update_or_create(
        account_id=account_id,
        defaults={"status": CLOSED, "synced_at": clock.now()},
        create_defaults={"owner_id": "", "status": CLOSED, "synced_at": clock.now()},
    )
    _recent.invalidate(account_id)


def _looked_up(account_id: str, identity: Identity, directory: AccountDirectory) -> AccountRef:
    account = AccountRef.objects.filter(pk=account_id).first()
    if account is not None and _is_telling(account, identity):
        return account
    found = directory.find(account_id=account_id, identity=identity)
    return account_record(
        account_id=account_id,
        owner_id=found["owner_id"],
        tenant=found.get("tenant", ""),  # users of the version before does not tell it
        status=found["status"],
    )


def _is_telling(account: AccountRef, identity: Identity) -> bool:
    """Whether it says enough to decide if the account is the caller's: its tenant matters to operators."""
    return bool(account.tenant or (account.owner_id and not identity.is_operator))
