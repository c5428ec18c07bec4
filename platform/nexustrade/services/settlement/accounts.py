"""Who owns an account, as the users service knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.clients import raise_for_problem
from shared.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.clients import ServiceClient
    from shared.security import Identity

CACHE_SIZE = 10_000


class AccountOwners:
    """Answers from memory where it can: an account never changes its owner."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._owners: dict[str, str] = {}

    def require_any(self, identity: Identity, account_ids: Iterable[str]) -> None:
        """NotFound unless the caller owns one of the accounts or is an operator."""
        if identity.is_operator:
            return
        if any(self._owner(identity, each) == identity.subject for each in account_ids):
            return
        raise NotFound("no such account, or not yours")

    def _owner(self, identity: Identity, account_id: str) -> str | None:
        if account_id not in self._owners:
            response = self._client.request("GET", f"/v1/accounts/{account_id}", identity=identity)
            try:
                raise_for_problem(response, self._client.target)
            except (NotFound, Forbidden):
                return None
            if len(self._owners) >= CACHE_SIZE:
                self._owners.clear()
            self._owners[account_id] = response.json()["owner_id"]
        return self._owners[account_id]
