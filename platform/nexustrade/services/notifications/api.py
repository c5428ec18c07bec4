"""The HTTP side of notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from shared.http.fastapi import Caller

if TYPE_CHECKING:
    from services.notifications.accounts import Accounts
    from services.notifications.services import NotificationService

AccountId = Annotated[str, Query(min_length=1, max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200)]


def make_router(service: NotificationService, accounts: Accounts) -> APIRouter:
    """The routes; an account's notifications are for its owner and for operators."""
    router = APIRouter(prefix="/v1/notifications", tags=["notifications"])

    @router.get("")
    def notifications(caller: Caller, account_id: AccountId, limit: Limit = 50) -> dict[str, Any]:
        accounts.require_visible(account_id, caller)
        latest = service.notifications_list(account_id=account_id, limit=limit)
        return {"items": [notification.as_dict() for notification in latest]}

    return router
