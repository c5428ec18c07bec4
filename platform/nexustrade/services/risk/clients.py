"""The service that risk calls: users, for the owner of an account that no event has told of yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.clients import raise_for_problem
from shared.errors import NotFound

if TYPE_CHECKING:
    from shared.clients import ServiceClient
    from shared.security import Identity


@dataclass(frozen=True, slots=True)
class UsersDirectory:
    """The accounts of the users service."""

    client: ServiceClient

    def owner_of(self, *, account_id: str, identity: Identity) -> str:
        """Asks users on behalf of the caller."""
        response = self.client.request("GET", f"/v1/accounts/{quote(account_id, safe='')}", identity=identity)
        if response.status_code in (403, 404):
            raise NotFound("no such account", account_id=account_id)
        owner_id: str = raise_for_problem(response, "users").json()["owner_id"]
        return owner_id
