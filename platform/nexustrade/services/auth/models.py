"""Who may log in, the sessions they hold and the keys that sign their tokens."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from shared import clock
from shared.ids import new_id

# The database of this service's models; see shared.django.router.
DATABASE = "users"


class User(models.Model):
    """A person or a program that logs in with a password. Names are stored in lower case."""

    user_id = models.CharField(primary_key=True, max_length=36, default=new_id)
    username = models.CharField(max_length=64, unique=True)
    email = models.CharField(max_length=254, unique=True)
    password_hash = models.CharField(max_length=255)
    tenant = models.CharField(max_length=64)
    roles = ArrayField(models.CharField(max_length=32))
    created_at = models.DateTimeField(default=clock.now)


class RefreshFamily(models.Model):
    """One log-in on one device: every refresh token that descends from it."""

    family_id = models.CharField(primary_key=True, max_length=36, default=new_id)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    device = models.CharField(max_length=64, default="")
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)


class RefreshToken(models.Model):
    """A refresh token, known only by the SHA-256 of its text. Used once, then replaced."""

    token_hash = models.CharField(primary_key=True, max_length=64)
    family = models.ForeignKey(RefreshFamily, on_delete=models.CASCADE)
    # The token that was traded for this one, empty for that of the log-in.
    parent_hash = models.CharField(max_length=64, default="")
    used_at = models.DateTimeField(null=True)


class ApiKey(models.Model):
    """What a user's program proves itself with, known only by its SHA-256; it may do some of what he may."""

    key_id = models.CharField(primary_key=True, max_length=36, default=new_id)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    name = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)
    permissions = ArrayField(models.CharField(max_length=64))
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)


class StoredKey(models.Model):
    """An Ed25519 key. It is published from its creation, signs later, and is published until it retires."""

    key_id = models.CharField(primary_key=True, max_length=36, default=new_id)
    private_key = models.TextField()
    signs_from = models.DateTimeField()
    retires_at = models.DateTimeField(null=True)
