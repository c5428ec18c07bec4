"""Profiles and trading accounts."""

from __future__ import annotations

from django.db import models

from shared import clock
from shared.django.models import OutboxMessage
from shared.ids import new_id

# The database of this service's models; see shared.django.router.
DATABASE = "users"


class Profile(models.Model):
    """What a user tells about himself, and what he is to his tenant.

    `user_id` is the subject of his tokens. `verified` and `standing` are an operator's word: whether he is
    who he says, and whether he may look at the profiles of his tenant.
    """

    class Standing(models.TextChoices):
        MEMBER = "member"
        ADMINISTRATOR = "administrator"

    user_id = models.CharField(primary_key=True, max_length=36)
    display_name = models.CharField(max_length=80, default="")
    country = models.CharField(max_length=2, default="")
    webhook_url = models.CharField(max_length=500, null=True)  # noqa: DJ001 - null is "none", as in the API
    tenant = models.CharField(max_length=64, default="", db_default="")
    verified = models.BooleanField(default=False, db_default=False)
    standing = models.CharField(
        max_length=16, choices=Standing.choices, default=Standing.MEMBER, db_default=Standing.MEMBER
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "user_id"], name="users_profile_of_tenant")]


class Account(models.Model):
    """A trading account of one user, in one currency."""

    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    account_id = models.CharField(primary_key=True, max_length=36, default=new_id)
    owner_id = models.CharField(max_length=36)
    tenant = models.CharField(max_length=64)
    name = models.CharField(max_length=80)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["owner_id", "opened_at"])]


class AccountProfile(models.Model):
    """Whom an account's papers go to."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True)
    contact_name = models.CharField(max_length=80, default="")
    contact_email = models.CharField(max_length=254, default="")
    paper_statements = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)


class UsersOutbox(OutboxMessage):
    """Events of this service that wait for the broker."""
