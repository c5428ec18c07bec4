"""Which rows are whose: those of a model with the columns `owner_id` and `tenant`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

if TYPE_CHECKING:
    from shared.security import Identity


def within_reach(identity: Identity) -> Q:
    """The rows for whose owner and tenant `identity.may_act_for` is true."""
    own = Q(owner_id=identity.subject)
    return own | Q(tenant=identity.tenant) if identity.is_operator and identity.tenant else own
