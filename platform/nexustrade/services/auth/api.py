"""HTTP: /v1/auth."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from services.auth import services, sessions
from services.auth.bootstrap import dependencies
from services.auth.keys import key_rotate, keys_published
from services.auth.models import StoredKey, User
from shared.security import Identity, jwt

router = Router(tags=["auth"])

Username = Annotated[str, Field(min_length=3, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
# One at-sign and a dot in the domain: whether an address works, only a letter can tell.
Email = Annotated[
    str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f.]+$")
]
# The upper bounds keep a caller from having megabytes hashed.
NewPassword = Annotated[str, Field(min_length=8, max_length=128)]
Password = Annotated[str, Field(min_length=1, max_length=128)]
RefreshToken = Annotated[str, Field(min_length=1, max_length=256)]
# What an app calls the phone or the browser that it runs on.
Device = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]


class Registration(Schema):
    username: Username
    email: Email
    password: NewPassword


class Registered(Schema):
    user_id: str
    username: str


class Credentials(Schema):
    username: Username
    password: Password
    device: Device | None = None


class Refresh(Schema):
    refresh_token: RefreshToken


class LogOut(Schema):
    refresh_token: RefreshToken | None = None


class TokensOut(Schema):
    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str


class SessionOut(Schema):
    session_id: str = Field(validation_alias="family_id")
    device: str
    expires_at: datetime


class Sessions(Schema):
    items: list[SessionOut]


class Rights(Schema):
    roles: list[str]
    permissions: list[str]
    tenant: str


class RoleIn(Schema):
    role: Literal["trader", "operator", "auditor"]


class UserOut(Schema):
    user_id: str
    username: str
    tenant: str
    roles: list[str]


class KeyOut(Schema):
    key_id: str
    signs_from: datetime


@router.post("/register", response={201: Registered})
def register(request: HttpRequest, body: Registration) -> tuple[int, User]:  # noqa: ARG001 - ninja passes it
    user = services.user_register(
        username=body.username, email=body.email, password=body.password, tenant=dependencies().tenant
    )
    return 201, user


@router.post("/login", response=TokensOut)
def log_in(request: HttpRequest, body: Credentials) -> sessions.Tokens:  # noqa: ARG001 - ninja passes it
    return sessions.session_open(
        username=body.username,
        password=body.password,
        device=body.device or "",
        policy=dependencies().sessions,
    )


@router.post("/refresh", response=TokensOut)
def refresh(request: HttpRequest, body: Refresh) -> sessions.Tokens:  # noqa: ARG001 - ninja passes it
    return sessions.session_refresh(
        refresh_token=body.refresh_token, policy=dependencies().sessions, claims=dependencies().claims
    )


@router.post("/logout", response={204: None})
def log_out(request: HttpRequest, body: LogOut | None = None) -> tuple[int, None]:
    request.identity.require_log_in()
    token = body.refresh_token if body else None
    sessions.session_close(user_id=request.identity.subject, refresh_token=token)
    return 204, None


@router.get("/sessions", response=Sessions)
def session_list(request: HttpRequest) -> dict[str, Any]:
    request.identity.require_log_in()
    return {"items": sessions.session_list(user_id=request.identity.subject)}


@router.delete("/sessions/{session_id}", response={204: None})
def session_end(request: HttpRequest, session_id: str) -> tuple[int, None]:
    request.identity.require_log_in()
    sessions.session_end(user_id=request.identity.subject, session_id=session_id)
    return 204, None


@router.get("/jwks")
def jwks(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001 - ninja passes it
    return jwt.jwks(*keys_published())


@router.get("/rights", response=Rights)
def rights(request: HttpRequest) -> Identity:
    return dependencies().claims.get(request.identity.subject)


@router.get("/users/{username}", response=UserOut)
def user_read(request: HttpRequest, username: str) -> User:
    request.identity.require_permission("roles:write")
    return services.user_get(username=username, tenant=request.identity.tenant)


@router.post("/users/{username}/roles", response=UserOut)
def role_grant(request: HttpRequest, username: str, body: RoleIn) -> User:
    request.identity.require_permission("roles:write")
    return services.role_grant(
        username=username, tenant=request.identity.tenant, role=body.role, claims=dependencies().claims
    )


@router.delete("/users/{username}/roles/{role}", response=UserOut)
def role_revoke(request: HttpRequest, username: str, role: str) -> User:
    request.identity.require_permission("roles:write")
    return services.role_revoke(
        username=username, tenant=request.identity.tenant, role=role, claims=dependencies().claims
    )


@router.post("/keys", response={201: KeyOut})
def key_change(request: HttpRequest) -> tuple[int, StoredKey]:
    request.identity.require_permission("keys:write")
    return 201, key_rotate(policy=dependencies().keys)
