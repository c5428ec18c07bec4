"""HTTP: /v1/users and /v1/accounts."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router

from services.users import profiles, services
from services.users.models import Account, AccountProfile, Profile
from services.users.schemas import (
    AccountIn,
    AccountNameIn,
    AccountOut,
    AccountProfileIn,
    AccountProfileOut,
    AccountsOut,
    ProfileIn,
    ProfileOut,
    ProfilesOut,
    StandingIn,
)

router = Router(tags=["users"])

Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str, Query(max_length=36)]


@router.get("/users/me", response=ProfileOut)
def profile_read(request: HttpRequest) -> Profile:
    return services.profile_get(identity=request.identity)


@router.put("/users/me", response=ProfileOut)
def profile_write(request: HttpRequest, body: ProfileIn) -> Profile:
    """Writes the whole of it: what is left out is emptied."""
    return services.profile_update(identity=request.identity, changes=body.dict())


@router.patch("/users/me", response=ProfileOut)
def profile_change(request: HttpRequest, body: ProfileIn) -> Profile:
    """Writes what is named and leaves the rest."""
    return services.profile_update(identity=request.identity, changes=body.dict(exclude_unset=True))


@router.get("/users", response=ProfilesOut)
def profile_list(request: HttpRequest, after: After = "", limit: Limit = 50) -> ProfilesOut:
    """The profiles of a tenant, for its administrators and operators."""
    page = profiles.profiles_list(identity=request.identity, after=after, limit=limit)
    return ProfilesOut(
        items=[ProfileOut.from_orm(profile) for profile in page],
        next=page[-1].user_id if len(page) == limit else None,
    )


@router.get("/users/{user_id}", response=ProfileOut)
def profile_of(request: HttpRequest, user_id: str) -> Profile:
    """One profile, for its user, and the administrators and operators of his tenant."""
    return profiles.profile_find(identity=request.identity, user_id=user_id)


@router.put("/users/{user_id}/standing", response=ProfileOut)
def standing_write(request: HttpRequest, user_id: str, body: StandingIn) -> Profile:
    """Says whether a user is verified and what he is to his tenant (operator)."""
    return profiles.standing_set(
        identity=request.identity, user_id=user_id, verified=body.verified, standing=body.standing
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


@router.patch("/accounts/{account_id}", response=AccountOut)
def account_rename(request: HttpRequest, account_id: str, body: AccountNameIn) -> Account:
    """Gives an account another name; nothing else of it can be written."""
    return services.account_rename(identity=request.identity, account_id=account_id, name=body.name)


@router.delete("/accounts/{account_id}", response=AccountOut)
def account_close(request: HttpRequest, account_id: str) -> Account:
    return services.account_close(identity=request.identity, account_id=account_id)


@router.get("/accounts/{account_id}/profile", response=AccountProfileOut)
def account_profile_read(request: HttpRequest, account_id: str) -> AccountProfile:
    return profiles.account_profile_get(identity=request.identity, account_id=account_id)


@router.patch("/accounts/{account_id}/profile", response=AccountProfileOut)
def account_profile_change(request: HttpRequest, account_id: str, body: AccountProfileIn) -> AccountProfile:
    """Writes what is named and leaves the rest."""
    return profiles.account_profile_update(
        identity=request.identity, account_id=account_id, changes=body.dict(exclude_unset=True)
    )
