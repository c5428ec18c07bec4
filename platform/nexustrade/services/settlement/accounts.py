"""Whose an account is, as the users service knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from services.settlement.models import Account
from shared.clients import raise_for_problem
from shared.django.tenants import within_reach
from shared.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.clients import ServiceClient
    from shared.security import Identity

CACHE_SIZE = 10_000


class Owner(NamedTuple):
    owner_id: str
    tenant: str


class AccountOwners:
    """Answers from memory where it can: an account never changes its owner.

    The events of users tell the owners; before they arrive, users is asked.
    """

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._owners: dict[str, Owner] = {}

    def require_any(self, identity: Identity, account_ids: Iterable[str]) -> None:
        """NotFound unless the caller owns one of the accounts or is an operator of its tenant.

        Accounts that nobody has opened are for operators.
        """
        owners = [owner for each in account_ids if (owner := self._owner(each))]
        if any(identity.may_act_for(*owner) for owner in owners) or (identity.is_operator and not owners):
            return
        raise NotFound("no such account, or not yours")

    def require_all(self, identity: Identity, *account_ids: str) -> None:
        """NotFound unless `require_any` lets the caller have each of the accounts."""
        for each in account_ids:
            self.require_any(identity, [each])

    def _owner(self, account_id: str) -> Owner | None:
        if account_id not in self._owners:
            owner = _recorded(account_id) or self._asked(account_id)
            # Users of the version before does not tell the tenant.
            if owner is None or not owner.tenant:
                return owner
            if len(self._owners) >= CACHE_SIZE:
                self._owners.clear()
            self._owners[account_id] = owner
        return self._owners[account_id]

    def _asked(self, account_id: str) -> Owner | None:
        # On settlement's own behalf: who may see the account is decided here.
        response = self._client.request("GET", f"/v1/accounts/{quote(account_id, safe='')}")
        if response.status_code == 404:
            return None
        account = raise_for_problem(response, self._client.target).json()
        owner = Owner(account["owner_id"], account.get("tenant", ""))
        if owner.tenant:
            account_record(account_id=account_id, owner_id=owner.owner_id, tenant=owner.tenant)
        return owner


def account_record(*, account_id: str, owner_id: str, tenant: str) -> None:
    """Notes whose an account is; may be repeated."""
    Account.objects.get_or_create(account_id=account_id, defaults={"owner_id": owner_id, "tenant": tenant})


def accounts_visible_to(identity: Identity) -> Any:
    """The ids of the accounts that `require_any` lets the caller have and that were opened, as a query."""
    return Account.objects.filter(within_reach(identity)).values_list("account_id", flat=True)


def _recorded(account_id: str) -> Owner | None:
    row = Account.objects.filter(pk=account_id).values_list("owner_id", "tenant").first()
    return None if row is None else Owner(*row)
