"""The service that risk calls: users, for the owner of an account that no event has told of yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from services.risk.queries import Owner
from shared.clients import raise_for_problem

if TYPE_CHECKING:
    from shared.clients import ServiceClient


@dataclass(frozen=True, slots=True)
class UsersDirectory:
    """The accounts of the users service."""

    client: ServiceClient

    def owner_of(self, *, account_id: str) -> Owner | None:
        """Asks users on risk's own behalf: who may see the account is decided here."""
        response = self.client.request("GET", f"/v1/accounts/{quote(account_id, safe='')}")
        if response.status_code == 404:
            return None
        account = raise_for_problem(response, "users").json()
        # Users of the version before does not tell the tenant.
        return Owner(account["owner_id"], account.get("tenant", ""))
