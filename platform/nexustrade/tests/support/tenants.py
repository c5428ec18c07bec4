"""Users of another tenant than the one in which everybody registers."""

from __future__ import annotations

from typing import Any

from support.client import ApiClient, log_in

ELSEWHERE = "wholesale"


def user_elsewhere(market: Any, *roles: str) -> ApiClient:
    """Logs in a new user of another tenant, who has these roles there; to be closed by the caller."""
    _, username, password, user_id = market.new_user()
    with market.platform.connect("users_db") as connection:
        connection.execute(
            "UPDATE nexus_auth_user SET tenant = %s, roles = %s WHERE user_id = %s",
            (ELSEWHERE, list(roles), user_id),
        )
        connection.commit()
    return log_in(market.gateway, username, password)
