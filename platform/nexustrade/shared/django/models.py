"""Tables that several services have, each in its own database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from shared import clock

if TYPE_CHECKING:
    from datetime import datetime


def _now() -> datetime:
    return clock.now()


class OutboxMessage(models.Model):
    """An event that is to be published because the transaction that wrote it has committed."""

    event_id: models.CharField[str, str] = models.CharField(max_length=64, unique=True)
    topic: models.CharField[str, str] = models.CharField(max_length=100)
    key: models.CharField[str, str] = models.CharField(max_length=200)
    payload: models.BinaryField[bytes, bytes] = models.BinaryField()
    headers = models.JSONField(default=dict)
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=_now)
    published_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        indexes = [
            models.Index(
                fields=["id"], name="%(app_label)s_outbox_pending", condition=Q(published_at__isnull=True)
            )
        ]


class ProcessedEvent(models.Model):
    """An event that a consumer has dealt with; written in the transaction of its effects."""

    consumer: models.CharField[str, str] = models.CharField(max_length=100)
    event_id: models.CharField[str, str] = models.CharField(max_length=64)
    processed_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=_now)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["consumer", "event_id"], name="%(app_label)s_processed_event_once"
            )
        ]


class IdempotencyRecord(models.Model):
    """A request under an idempotency key, and its answer once there is one.

    `scope` is whose key it is, `fingerprint` tells one request body from another.
    """

    scope: models.CharField[str, str] = models.CharField(max_length=100)
    key: models.CharField[str, str] = models.CharField(max_length=128)
    fingerprint: models.CharField[str, str] = models.CharField(max_length=64)
    status_code: models.PositiveSmallIntegerField[int | None, int | None] = models.PositiveSmallIntegerField(
        null=True
    )
    response = models.JSONField(null=True)
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=_now)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="%(app_label)s_idempotency_key_once")
        ]
