"""Whether a caller may see an account; the users service decides."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.clients import raise_for_problem

if TYPE_CHECKING:
    from shared.clients import ServiceClient
    from shared.security.identity import Identity


class Accounts:
    def __init__(self, users: ServiceClient) -> None:
        self._users = users

    def require_visible(self, account_id: str, caller: Identity) -> None:
        """Forbidden or NotFound, as the users service answers on the caller's behalf."""
        answer = self._users.request("GET", f"/v1/accounts/{quote(account_id, safe='')}", identity=caller)
        raise_for_problem(answer, self._users.target)
