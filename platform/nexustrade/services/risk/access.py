"""Who may see an account: its owner, and the operators of his tenant."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from services.risk.dependencies import dependencies
from services.risk.models import ExposureLimit
from services.risk.queries import limit_find, limit_get, owner_get


def visible_limit(request: HttpRequest, account_id: str) -> ExposureLimit:
    """The account's limit; NotFound unless the caller may see the account."""
    return limit_get(account_id=account_id, **_asked(request))


def check_own_tenant(request: HttpRequest, account_id: str) -> None:
    """NotFound when the account is of another tenant than the operator who asks; it need not exist."""
    request.identity.require_role("operator")
    limit_find(account_id=account_id, **_asked(request))


def account_owner(request: HttpRequest, account_id: str) -> str:
    """Whose account it is; NotFound unless the caller may see it."""
    return owner_get(account_id=account_id, **_asked(request))


def _asked(request: HttpRequest) -> dict[str, Any]:
    known = dependencies()
    return {"identity": request.identity, "directory": known.accounts, "policy": known.policy}
