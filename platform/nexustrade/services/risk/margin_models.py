"""What accounts have deposited as margin, and the calls for more."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from services.risk.fields import value_field


class MarginAccount(models.Model):
    """An account that trades on margin.

    Accounts of one `pool` are margined together: an isolated account has a pool of its own, the
    cross-margined accounts of one owner share theirs.
    """

    account_id = models.CharField(primary_key=True, max_length=36)
    pool = models.CharField(max_length=80)
    collateral = value_field()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["pool"], name="risk_margin_pools")]


class MarginCall(models.Model):
    """A time during which a pool's equity did not cover what it has to; open until it does again."""

    pool = models.CharField(max_length=80)
    status = models.CharField(max_length=11)
    equity = value_field()
    required = value_field()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["pool", "-id"], name="risk_margin_calls")]
        constraints = [
            models.UniqueConstraint(
                fields=["pool"], condition=Q(closed_at__isnull=True), name="risk_one_open_call"
            )
        ]
