"""Use cases: profiles of others, for who administrates them, and the profiles of accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.users.models import AccountProfile, Profile
from services.users.services import account_get
from shared.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from shared.security import Identity


def profile_find(*, identity: Identity, user_id: str) -> Profile:
    """A profile: the caller's own, and those of his tenant for its operators and administrators.

    NotFound for all others, and when there is none.
    """
    profile = Profile.objects.filter(pk=user_id).first()
    if profile is None or not _may_see(identity, profile):
        raise NotFound("there is no such profile", user_id=user_id)
    return profile


def profiles_list(*, identity: Identity, after: str, limit: int) -> list[Profile]:
    """Up to `limit` profiles of the caller's tenant behind `after`, by id.

    Forbidden unless he operates or administrates it.
    """
    return list(_profiles_seen_by(identity).filter(user_id__gt=after).order_by("user_id")[:limit])


def standing_set(*, identity: Identity, user_id: str, verified: bool, standing: str) -> Profile:
    """Writes what an operator says about a user; NotFound when he has no profile."""
    identity.require_role("operator")
    profile = profile_find(identity=identity, user_id=user_id)
    profile.verified, profile.standing = verified, standing
    profile.save(update_fields=["verified", "standing", "updated_at"])
    return profile


def account_profile_get(*, identity: Identity, account_id: str) -> AccountProfile:
    """The profile of an account of the caller's, empty when it was not filled in; NotFound."""
    account = account_get(identity=identity, account_id=account_id)
    return AccountProfile.objects.filter(pk=account.pk).first() or AccountProfile(account=account)


def account_profile_update(
    *, identity: Identity, account_id: str, changes: Mapping[str, Any]
) -> AccountProfile:
    """Writes `changes`, by field, into the profile of an account of the caller's; NotFound."""
    identity.require_permission("accounts:write")
    account = account_get(identity=identity, account_id=account_id)
    profile, _ = AccountProfile.objects.update_or_create(account=account, defaults=dict(changes))
    return profile


def _profiles_seen_by(identity: Identity) -> QuerySet[Profile]:
    if not identity.is_operator and not _administrates(identity, identity.tenant):
        raise Forbidden("needs to administrate a tenant")
    return Profile.objects.filter(tenant=identity.tenant)


def _may_see(identity: Identity, profile: Profile) -> bool:
    return identity.may_act_for(profile.user_id, profile.tenant) or _administrates(identity, profile.tenant)


def _administrates(identity: Identity, tenant: str) -> bool:
    administrators = Profile.objects.filter(standing=Profile.Standing.ADMINISTRATOR, tenant=tenant)
    return tenant == identity.tenant and administrators.filter(pk=identity.subject).exists()
