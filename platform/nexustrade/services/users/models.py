"""Profiles and trading accounts."""

from __future__ import annotations

from django.db import models

from shared import clock
from shared.django.models import OutboxMessage
from shared.ids import new_id

# The database of this service's models; see shared.django.router.
DATABASE = "users"


class Profile(models.Model):
    """What a user tells about himself. `user_id` is the subject of his tokens."""

    user_id = models.CharField(primary_key=True, max_length=36)
    display_name = models.CharField(max_length=80, default="")
    country = models.CharField(max_length=2, default="")
    webhook_url = models.CharField(max_length=500, null=True)  # noqa: DJ001 - null is "none", as in the API
    updated_at = models.DateTimeField(auto_now=True)


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


class UsersOutbox(OutboxMessage):
    """Events of this service that wait for the broker."""
