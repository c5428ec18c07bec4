"""What orders keeps: instruments, accounts as users reported them, orders, spreads, fills, and the outbox."""

from __future__ import annotations

from django.db import models

from services.orders.fills import Progress
from services.orders.lifecycle import OrderState
from shared.django.models import OutboxMessage as AbstractOutboxMessage
from shared.django.models import ProcessedEvent as AbstractProcessedEvent


def price_field(**options: object) -> models.DecimalField:
    """A price per share: ticks go down to a millionth."""
    return models.DecimalField(max_digits=20, decimal_places=6, **options)


def quantity_field(**options: object) -> models.DecimalField:
    """A number of shares: lots go down to a ten-thousandth."""
    return models.DecimalField(max_digits=20, decimal_places=4, **options)


def value_field(**options: object) -> models.DecimalField:
    """A sum of price × quantity, wide enough to be exact."""
    return models.DecimalField(max_digits=32, decimal_places=10, **options)


def fee_field(**options: object) -> models.DecimalField:
    """A sum of price × quantity × rate, wide enough to be exact for a rate of six places."""
    return models.DecimalField(max_digits=40, decimal_places=16, **options)


class Instrument(models.Model):
    """What can be traded, when, and in which steps.

    `calendar` names the sessions (shared.sessions), `trading_status` is what matching last said, and
    `execution_epoch` is the newest matching leader heard of.
    """

    symbol = models.CharField(primary_key=True, max_length=16)
    name = models.CharField(max_length=120)
    tick_size = price_field(default="0.01")
    lot_size = quantity_field(default="1")
    currency = models.CharField(max_length=3, default="USD")
    calendar = models.CharField(max_length=16, default="", db_default="")
    trading_status = models.CharField(max_length=8, default="open", db_default="open")
    execution_epoch = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()


class AccountRef(models.Model):
    """An account of the users service, as far as orders needs to know it. A closed one stays closed.

    `owner_id` and `tenant` are empty as long as nobody has told them.
    """

    account_id = models.CharField(primary_key=True, max_length=36)
    owner_id = models.CharField(max_length=64)
    tenant = models.CharField(max_length=64, default="", db_default="")
    status = models.CharField(max_length=16)
    synced_at = models.DateTimeField()


class Spread(models.Model):
    """Orders that were sent as one and are approved as one, its legs.

    `idempotency_key` and `request_digest` are as those of an order.
    """

    spread_id = models.CharField(primary_key=True, max_length=36)
    account_id = models.CharField(max_length=36)
    owner_id = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=64, unique=True)
    request_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()


class Order(models.Model):
    """An order from submission to its end.

    `idempotency_key` is unique over all callers (it carries a digest of who sent which key) and
    `request_digest` tells a repeated request from a different one under the same key. `credit_checks` counts
    the checks that gave no answer, `check_due_at` is when the next one is due.
    """

    order_id = models.CharField(primary_key=True, max_length=36)
    account_id = models.CharField(max_length=36)
    owner_id = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=64, unique=True)
    request_digest = models.CharField(max_length=64)
    symbol = models.CharField(max_length=16)
    side = models.CharField(max_length=4)
    order_type = models.CharField(max_length=16)
    time_in_force = models.CharField(max_length=3)
    price = price_field(null=True)
    stop_price = price_field(null=True)
    quantity = quantity_field()
    filled_quantity = quantity_field(default=0)
    filled_value = value_field(default=0)
    fees = fee_field(default=0, db_default=0)
    status = models.CharField(max_length=16, default=OrderState.PENDING)
    reason = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null is part of the published order
    created_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    triggered_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()
    spread_id = models.CharField(max_length=36, null=True)  # noqa: DJ001 - most orders are no legs
    leg_number = models.PositiveSmallIntegerField(null=True)
    credit_checks = models.PositiveSmallIntegerField(default=0, db_default=0)
    check_due_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # The ways in which history is paged: by account, as a whole or narrowed to a symbol or a status,
            # or by everything its reader owns.
            models.Index(fields=["account_id", "-created_at", "-order_id"], name="orders_by_account"),
            models.Index(
                fields=["account_id", "symbol", "-created_at", "-order_id"], name="orders_by_account_symbol"
            ),
            models.Index(
                fields=["account_id", "status", "-created_at", "-order_id"], name="orders_by_account_status"
            ),
            models.Index(fields=["owner_id", "-created_at", "-order_id"], name="orders_by_owner"),
            models.Index(
                fields=["check_due_at"],
                name="orders_undecided",
                condition=models.Q(status=OrderState.PENDING),
            ),
            models.Index(
                fields=["spread_id"], name="orders_of_spread", condition=models.Q(spread_id__isnull=False)
            ),
        ]

    @property
    def progress(self) -> Progress:
        """How much of the order is filled."""
        return Progress(
            quantity=self.quantity,
            filled_quantity=self.filled_quantity,
            filled_value=self.filled_value,
            fees=self.fees,
        )


class Fill(models.Model):
    """One execution of one order; a trade fills an order once."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills", db_index=False)
    trade_id = models.CharField(max_length=64)
    price = price_field()
    quantity = quantity_field()
    filled_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "trade_id"], name="orders_one_fill_per_trade")
        ]


class OutboxMessage(AbstractOutboxMessage):
    """Events that are committed together with what they tell, and published afterwards."""


class ProcessedEvent(AbstractProcessedEvent):
    """Events already applied."""
