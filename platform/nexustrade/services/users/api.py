"""HTTP: /v1/users and /v1/accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from services.users import services
from services.users.models import Account, Profile

router = Router(tags=["users"])

# Without control characters: they have no place in a name and PostgreSQL refuses some of them.
Line = Annotated[str, Field(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[Line, Field(min_length=1)]
Country = Annotated[str, Field(pattern=r"^([A-Z]{2})?$")]
WebhookUrl = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s\x00-\x1f]+$")]
Currency = Literal["USD", "EUR", "GBP", "CHF", "JPY"]


class ProfileIn(Schema):
    display_name: Line = ""
    country: Country = ""
    webhook_url: WebhookUrl | None = None


class ProfileOut(ProfileIn):
    user_id: str


class AccountIn(Schema):
    name: Name
    currency: Currency = "USD"


class AccountOut(Schema):
    account_id: str
    name: str
    currency: str
    status: str
    owner_id: str
    opened_at: datetime
    closed_at: datetime | None


class AccountsOut(Schema):
    items: list[AccountOut]


@router.get("/users/me", response=ProfileOut)
def profile_read(request: HttpRequest) -> Profile:
    return services.profile_get(identity=request.identity)


@router.put("/users/me", response=ProfileOut)
def profile_write(request: HttpRequest, body: ProfileIn) -> Profile:
    return services.profile_update(
        identity=request.identity,
        display_name=body.display_name,
        country=body.country,
        webhook_url=body.webhook_url,
    )


@router.post("/accounts", response={201: AccountOut})
def account_open(request: HttpRequest, body: AccountIn) -> tuple[int, Account]:
    return 201, services.account_open(identity=request.identity, name=body.name, currency=body.currency)


@router.get("/accounts", response=AccountsOut)
def account_list(request: HttpRequest) -> dict[str, list[Account]]:
    return {"items": services.account_list(identity=request.identity)}


@router.get("/accounts/{account_id}", response=AccountOut)
def account_read(request: HttpRequest, account_id: str) -> Account:
    return services.account_get(identity=request.identity, account_id=account_id)


@router.delete("/accounts/{account_id}", response=AccountOut)
def account_close(request: HttpRequest, account_id: str) -> Account:
    return services.account_close(identity=request.identity, account_id=account_id)
