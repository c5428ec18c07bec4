"""HTTP: API keys, for their users and, to see who sends one, for the gateway."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from services.auth import api_keys
from services.auth.bootstrap import dependencies
from shared.django import InternalAuth
from shared.security import Identity

router = Router(tags=["api keys"])

_GATEWAY = InternalAuth("gateway")

Name = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]
Permission = Annotated[str, Field(max_length=64)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class KeyIn(Schema):
    name: Name
    permissions: list[Permission] = Field(min_length=1, max_length=20)


class KeyOut(Schema):
    key_id: str
    name: str
    permissions: list[str]
    created_at: datetime


class NewKey(KeyOut):
    """The one answer that holds the key itself."""

    api_key: str


class Keys(Schema):
    items: list[KeyOut]


class Presented(Schema):
    digest: Digest


class Holder(Schema):
    subject: str
    roles: list[str]
    permissions: list[str]
    tenant: str


@router.post("/v1/auth/api-keys", response={201: NewKey})
def create(request: HttpRequest, body: KeyIn) -> tuple[int, dict[str, Any]]:
    request.identity.require_log_in()
    key, text = api_keys.api_key_create(
        identity=request.identity, name=body.name, permissions=body.permissions
    )
    return 201, {**KeyOut.from_orm(key).dict(), "api_key": text}


@router.get("/v1/auth/api-keys", response=Keys)
def show(request: HttpRequest) -> dict[str, Any]:
    request.identity.require_log_in()
    return {"items": api_keys.api_key_list(user_id=request.identity.subject)}


@router.delete("/v1/auth/api-keys/{key_id}", response={204: None})
def revoke(request: HttpRequest, key_id: str) -> tuple[int, None]:
    request.identity.require_log_in()
    api_keys.api_key_revoke(user_id=request.identity.subject, key_id=key_id)
    return 204, None


@router.post("/internal/v1/api-keys/identify", response=Holder, auth=_GATEWAY)
def identify(request: HttpRequest, body: Presented) -> Identity:  # noqa: ARG001 - ninja passes it
    return api_keys.api_key_identify(digest=body.digest, claims=dependencies().claims)
