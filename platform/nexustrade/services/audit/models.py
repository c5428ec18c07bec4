"""The audit trail in audit_db: append-only, enforced by triggers of the first migration."""

from __future__ import annotations

from django.db import models

from services.audit.chain import GENESIS, Link, canonical


class AuditEntry(models.Model):
    """One event, and its place in the hash chain."""

    sequence = models.BigIntegerField(primary_key=True)
    event_id = models.CharField(max_length=64)
    event_type = models.CharField(max_length=64)
    topic = models.CharField(max_length=64)
    producer = models.CharField(max_length=64)
    aggregate_id = models.CharField(max_length=128)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    trace_id = models.CharField(max_length=32, default="")
    payload = models.JSONField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_entry"
        constraints = [models.UniqueConstraint(fields=["event_id"], name="audit_event_once")]
        indexes = [models.Index(fields=["aggregate_id", "sequence"], name="audit_entry_aggregate")]

    def body(self) -> bytes:
        """What the hash covers: every column but the chain's own."""
        return canonical(
            {
                "event_id": self.event_id,
                "event_type": self.event_type,
                "topic": self.topic,
                "producer": self.producer,
                "aggregate_id": self.aggregate_id,
                "occurred_at": self.occurred_at.isoformat(),
                "recorded_at": self.recorded_at.isoformat(),
                "trace_id": self.trace_id,
                "payload": self.payload,
            }
        )

    def link(self) -> Link:
        """The entry as the chain sees it."""
        return Link(self.sequence, self.previous_hash, self.body(), self.hash)


class ChainHead(models.Model):
    """The end of the chain: one row, moved by each append."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=GENESIS)

    class Meta:
        db_table = "audit_chain_head"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_chain")]
