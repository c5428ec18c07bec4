"""What the API takes and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

# Without control characters: they have no place in a name and PostgreSQL refuses some of them.
Line = Annotated[str, Field(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[Line, Field(min_length=1)]
Country = Annotated[str, Field(pattern=r"^([A-Z]{2})?$")]
WebhookUrl = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s\x00-\x1f]+$")]
Currency = Literal["USD", "EUR", "GBP", "CHF", "JPY"]
Email = Annotated[str, Field(max_length=254, pattern=r"^([^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+)?$")]
Standing = Literal["member", "administrator"]


class ProfileIn(Schema):
    """What a user writes about himself."""

    display_name: Line = ""
    country: Country = ""
    webhook_url: WebhookUrl | None = None


class ProfileOut(Schema):
    user_id: str
    display_name: str
    country: str
    webhook_url: str | None
    verified: bool
    standing: str


class ProfilesOut(Schema):
    items: list[ProfileOut]
    next: str | None


class StandingIn(Schema):
    """What an operator writes about a user."""

    model_config = ConfigDict(extra="forbid")

    verified: bool
    standing: Standing


class AccountIn(Schema):
    name: Name
    currency: Currency = "USD"


class AccountNameIn(Schema):
    name: Name


class AccountOut(Schema):
    account_id: str
    name: str
    currency: str
    status: str
    owner_id: str
    tenant: str
    opened_at: datetime
    closed_at: datetime | None


class AccountsOut(Schema):
    items: list[AccountOut]


class AccountProfileIn(Schema):
    contact_name: Line = ""
    contact_email: Email = ""
    paper_statements: bool = False


class AccountProfileOut(Schema):
    account_id: str
    contact_name: str
    contact_email: str
    paper_statements: bool
