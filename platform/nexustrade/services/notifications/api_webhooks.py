"""The HTTP side of webhooks; an account's webhook is for its owner and for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from services.notifications.webhooks import MAX_URL
from shared.http.fastapi import Caller

if TYPE_CHECKING:
    from services.notifications.accounts import Accounts
    from services.notifications.webhook_services import WebhookService

AccountId = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class WebhookIn(BaseModel):
    url: str = Field(min_length=1, max_length=MAX_URL)


class WebhookOut(BaseModel):
    account_id: str
    url: str


class NewWebhookOut(WebhookOut):
    """The secret is told once, when it is made."""

    secret: str


class DeliveryOut(BaseModel):
    delivery_id: str


class AttemptOut(DeliveryOut):
    kind: str
    attempted_at: str
    outcome: str
    status: int | None
    detail: str


class AttemptsOut(BaseModel):
    items: list[AttemptOut]


def make_router(service: WebhookService, accounts: Accounts) -> APIRouter:
    """The routes. Whoever changes a webhook needs the permission to change accounts."""
    router = APIRouter(prefix="/v1/notifications/webhooks/{account_id}", tags=["webhooks"])

    def check_writer(account_id: str, caller: Caller) -> None:
        caller.require_permission("accounts:write")
        accounts.require_visible(account_id, caller)

    @router.put("")
    def webhook_set(caller: Caller, account_id: AccountId, body: WebhookIn) -> NewWebhookOut:
        check_writer(account_id, caller)
        webhook = service.webhook_set(account_id=account_id, url=body.url)
        return NewWebhookOut(account_id=account_id, url=webhook.url, secret=webhook.secret)

    @router.get("")
    def webhook_read(caller: Caller, account_id: AccountId) -> WebhookOut:
        accounts.require_visible(account_id, caller)
        webhook = service.webhook_get(account_id=account_id)
        return WebhookOut(account_id=account_id, url=webhook.url)

    @router.delete("", status_code=204)
    def webhook_remove(caller: Caller, account_id: AccountId) -> None:
        check_writer(account_id, caller)
        service.webhook_remove(account_id=account_id)

    @router.post("/deliveries", status_code=202)
    def webhook_try(caller: Caller, account_id: AccountId) -> DeliveryOut:
        """Sends a notification that says nothing but that the webhook works."""
        check_writer(account_id, caller)
        return DeliveryOut(delivery_id=service.webhook_try(account_id=account_id))

    @router.get("/deliveries", response_model=AttemptsOut)
    def attempts(caller: Caller, account_id: AccountId) -> dict[str, Any]:
        """The latest attempts, latest first."""
        accounts.require_visible(account_id, caller)
        latest = service.attempts_list(account_id=account_id)
        return {"items": [attempt.as_dict() for attempt in latest]}

    return router
