"""Use cases: users and their roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from services.auth.models import DATABASE, User
from services.auth.roles import OPERATOR, TRADER
from shared.errors import Conflict, NotFound
from shared.security import passwords

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.auth.claims import ClaimsCache


def user_register(*, username: str, email: str, password: str, tenant: str) -> User:
    """Makes a trader; Conflict naming the field when the name or the address is taken."""
    username, email = username.lower(), email.lower()
    password_hash = passwords.hash(password)
    try:
        with transaction.atomic(using=DATABASE):
            return User.objects.create(
                username=username, email=email, password_hash=password_hash, tenant=tenant, roles=[TRADER]
            )
    except IntegrityError:
        field = "username" if User.objects.filter(username=username).exists() else "email"
        raise Conflict(f"this {field} is taken", field=field) from None


def operator_ensure(*, username: str, password: str, tenant: str) -> None:
    """Makes the operator, or gives him the password that the environment has for him."""
    user, created = User.objects.get_or_create(
        username=username,
        defaults={
            "email": f"{username}@{tenant}.invalid",
            "password_hash": lambda: passwords.hash(password),  # costly: only when it is needed
            "tenant": tenant,
            "roles": [OPERATOR],
        },
    )
    if not created and not passwords.verify(user.password_hash, password):
        User.objects.filter(pk=user.pk).update(password_hash=passwords.hash(password))


def user_get(*, username: str, tenant: str) -> User:
    """The user of this name; NotFound, also when he belongs to another tenant."""
    return _user(User.objects.filter(tenant=tenant), username)


def role_grant(*, username: str, tenant: str, role: str, claims: ClaimsCache) -> User:
    """Gives a role; nothing changes when the user has it. NotFound as in `user_get`."""
    return _roles_change(username, tenant, claims, lambda roles: roles | {role})


def role_revoke(*, username: str, tenant: str, role: str, claims: ClaimsCache) -> User:
    """Takes a role away; nothing changes when the user does not have it. NotFound as in `user_get`."""
    return _roles_change(username, tenant, claims, lambda roles: roles - {role})


def _roles_change(
    username: str, tenant: str, claims: ClaimsCache, change: Callable[[set[str]], set[str]]
) -> User:
    with transaction.atomic(using=DATABASE):
        user = _user(User.objects.select_for_update().filter(tenant=tenant), username)
        user.roles = sorted(change(set(user.roles)))
        user.save(update_fields=["roles"])
        # Dropped earlier, the entry could be read from the old row and cached once more.
        transaction.on_commit(lambda: claims.drop(user.pk), using=DATABASE)
    return user


def _user(users: Any, username: str) -> User:
    user: User | None = users.filter(username=username.lower()).first()
    if user is None:
        raise NotFound("there is no user of this name")
    return user
