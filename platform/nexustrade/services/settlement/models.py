"""What settlement keeps: cash in users_db, all the rest in orders_db."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from shared.clock import now
from shared.django import models as shared_models

AMOUNT = {"max_digits": 38, "decimal_places": 18}


class Account(models.Model):
    """Whose an account of the users service is."""

    account_id = models.CharField(primary_key=True, max_length=64)
    owner_id = models.CharField(max_length=64)
    tenant = models.CharField(max_length=64)

    class Meta:
        db_table = "settlement_account"


class CashBalance(models.Model):
    """An account's cash; always the sum of its entries."""

    database = "users"

    account_id = models.CharField(primary_key=True, max_length=64)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(default=Decimal(0), **AMOUNT)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "settlement_cash_balance"
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="settlement_cash_not_negative")
        ]


class CashEntry(models.Model):
    """One line of a posting in a currency."""

    database = "users"

    posting_id = models.CharField(max_length=255)
    account = models.CharField(max_length=128)
    asset = models.CharField(max_length=16)
    amount = models.DecimalField(**AMOUNT)
    booked_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "settlement_cash_entry"
        constraints = [
            models.UniqueConstraint(fields=["posting_id", "account"], name="settlement_cash_posted_once")
        ]
        indexes = [
            models.Index(fields=["account", "asset"], name="settlement_cash_account"),
            models.Index(fields=["account", "booked_at"], name="settlement_cash_booked"),
        ]


class ShareBalance(models.Model):
    """An account's holding of a symbol; always the sum of its entries."""

    account_id = models.CharField(max_length=64)
    symbol = models.CharField(max_length=16)
    quantity = models.DecimalField(default=Decimal(0), **AMOUNT)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "settlement_share_balance"
        constraints = [
            models.UniqueConstraint(fields=["account_id", "symbol"], name="settlement_share_holding"),
            models.CheckConstraint(condition=models.Q(quantity__gte=0), name="settlement_share_not_negative"),
        ]


class ShareEntry(models.Model):
    """One line of a posting in a symbol."""

    posting_id = models.CharField(max_length=255)
    account = models.CharField(max_length=128)
    asset = models.CharField(max_length=16)
    amount = models.DecimalField(**AMOUNT)
    booked_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "settlement_share_entry"
        constraints = [
            models.UniqueConstraint(fields=["posting_id", "account"], name="settlement_share_posted_once")
        ]
        indexes = [
            models.Index(fields=["account", "asset"], name="settlement_share_account"),
            models.Index(fields=["account", "booked_at"], name="settlement_share_booked"),
        ]


class TradeStatus(models.TextChoices):
    """pending → settling → settled | failed; failed → pending by a retry."""

    PENDING = "pending"
    SETTLING = "settling"
    SETTLED = "settled"
    FAILED = "failed"


class Trade(models.Model):
    """A trade on its way to settlement."""

    trade_id = models.CharField(primary_key=True, max_length=128)
    symbol = models.CharField(max_length=16)
    price = models.DecimalField(**AMOUNT)
    quantity = models.DecimalField(**AMOUNT)
    currency = models.CharField(max_length=3, default="USD")
    cash = models.DecimalField(**AMOUNT)
    buy_account_id = models.CharField(max_length=64)
    sell_account_id = models.CharField(max_length=64)
    buy_order_id = models.CharField(max_length=64)
    sell_order_id = models.CharField(max_length=64)
    epoch = models.BigIntegerField()
    sequence = models.BigIntegerField()
    executed_at = models.DateTimeField()
    trade_date = models.DateField()
    settlement_date = models.DateField()
    status = models.CharField(max_length=10, choices=TradeStatus.choices, default=TradeStatus.PENDING)
    attempt = models.PositiveIntegerField(default=1)
    reason = models.TextField(default="")
    settled_at = models.DateTimeField(null=True)
    netted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "settlement_trade"
        indexes = [
            models.Index(
                fields=["settlement_date", "trade_id"],
                condition=models.Q(status__in=["pending", "settling"]),
                name="settlement_trade_open",
            ),
            models.Index(
                fields=["trade_date", "trade_id"],
                condition=models.Q(netted_at=None),
                name="settlement_trade_to_net",
            ),
            models.Index(fields=["buy_account_id", "trade_id"], name="settlement_trade_buyer"),
            models.Index(fields=["sell_account_id", "trade_id"], name="settlement_trade_seller"),
        ]

    @property
    def saga_id(self) -> str:
        """Each attempt is a saga of its own."""
        return f"{self.trade_id}#{self.attempt}"


class NetObligation(models.Model):
    """What an account has to deliver and to pay for its trades of one day in one symbol, both ways."""

    account_id = models.CharField(max_length=64)
    symbol = models.CharField(max_length=16)
    currency = models.CharField(max_length=3)
    trade_date = models.DateField()
    settlement_date = models.DateField()
    bought = models.DecimalField(**AMOUNT)
    sold = models.DecimalField(**AMOUNT)
    paid = models.DecimalField(**AMOUNT)
    received = models.DecimalField(**AMOUNT)
    trades = models.PositiveIntegerField()

    class Meta:
        db_table = "settlement_net_obligation"
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "trade_date", "symbol", "currency", "settlement_date"],
                name="settlement_net_once",
            )
        ]
        indexes = [
            models.Index(fields=["account_id", "id"], name="settlement_net_account"),
            models.Index(fields=["trade_date", "id"], name="settlement_net_day"),
        ]


class TradeFence(models.Model):
    """The highest leader epoch whose trades were taken, per symbol."""

    symbol = models.CharField(primary_key=True, max_length=16)
    epoch = models.BigIntegerField()

    class Meta:
        db_table = "settlement_trade_fence"


class SagaStep(models.Model):
    """The saga log: append-only, in the order of ids."""

    saga_id = models.CharField(max_length=160)
    step = models.CharField(max_length=32)
    mark = models.CharField(max_length=10)
    reason = models.TextField(default="")
    recorded_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "settlement_saga_step"
        constraints = [
            models.UniqueConstraint(fields=["saga_id", "step", "mark"], name="settlement_saga_step_once")
        ]


class SettlementBatch(models.Model):
    """One run of settlement: what was due when it began."""

    batch_id = models.CharField(primary_key=True, max_length=36)
    as_of = models.DateField()
    trades = models.PositiveIntegerField()
    cash = models.DecimalField(**AMOUNT)
    opened_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "settlement_batch"


class FeeCharge(models.Model):
    """A rounded sum of fees that an account owes, until it is booked."""

    charge_id = models.CharField(primary_key=True, max_length=64)
    account_id = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(**AMOUNT)
    as_of = models.DateField()
    booked = models.BooleanField(default=False)

    class Meta:
        db_table = "settlement_fee_charge"
        indexes = [
            models.Index(
                fields=["charge_id"], condition=models.Q(booked=False), name="settlement_fee_charge_open"
            )
        ]


class FeeAccrual(models.Model):
    """The exact fee of one side of a settled trade; `charge` is set once it was charged."""

    trade_id = models.CharField(max_length=128)
    side = models.CharField(max_length=4)
    account_id = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=44, decimal_places=24)
    trade_date = models.DateField()
    charge = models.ForeignKey(FeeCharge, null=True, on_delete=models.PROTECT)

    class Meta:
        db_table = "settlement_fee_accrual"
        constraints = [models.UniqueConstraint(fields=["trade_id", "side"], name="settlement_fee_once")]
        indexes = [models.Index(fields=["account_id", "trade_date"], name="settlement_fee_account")]


class ImportedStatement(models.Model):
    """A broker's statement, and what the books said when it was taken in.

    `positions` are {asset, stated, booked}, amounts as decimal text.
    """

    account_id = models.CharField(max_length=64)
    reference = models.CharField(max_length=100)
    day = models.DateField()
    note = models.TextField()
    digest = models.CharField(max_length=64)
    positions = models.JSONField()
    imported_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "settlement_imported_statement"
        constraints = [
            models.UniqueConstraint(fields=["account_id", "reference"], name="settlement_import_once")
        ]
        indexes = [models.Index(fields=["account_id", "-id"], name="settlement_import_account")]


class CommitDecision(models.Model):
    """A two-phase transaction that was decided to commit."""

    transaction_id = models.CharField(primary_key=True, max_length=128)
    decided_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "settlement_commit_decision"


class OutboxMessage(shared_models.OutboxMessage):
    """Events of settlement on their way to Kafka."""

    class Meta(shared_models.OutboxMessage.Meta):
        db_table = "settlement_outbox"


class ProcessedEvent(shared_models.ProcessedEvent):
    """Events that settlement has taken in."""

    class Meta(shared_models.ProcessedEvent.Meta):
        db_table = "settlement_processed_event"
