"""What risk keeps for orders: limits and reservations against them. Its other tables are imported below."""

from __future__ import annotations

from decimal import Decimal

from django.db import connections, models

from services.risk.exposure import Consumption, Hold
from services.risk.fields import quantity_field, value_field
from services.risk.margin_models import MarginAccount, MarginCall
from services.risk.market_models import Close, LastPrice
from services.risk.position_models import Position
from shared.django.models import ProcessedEvent as AbstractProcessedEvent

__all__ = [
    "Close",
    "ExposureLimit",
    "LastPrice",
    "MarginAccount",
    "MarginCall",
    "Position",
    "ProcessedEvent",
    "Reservation",
]


class ExposureLimitManager(models.Manager):
    """Changes of the exposure in use, each a single statement that locks the account's row."""

    def reserve(self, *, account_id: str, amount: Decimal) -> tuple[Decimal, Decimal, Decimal | None] | None:
        """Takes `amount` if the limit leaves room for it.

        Returns (used, limit, limit of the value at risk) afterwards, None when there is no room or no such
        account. The check and the change are one statement: concurrent orders wait for the row and see what
        those before them took.
        """
        with connections[self.db].cursor() as cursor:
            cursor.execute(
                "UPDATE risk_exposurelimit SET used = used + %(amount)s"
                " WHERE account_id = %(account_id)s AND used + %(amount)s <= max_exposure"
                " RETURNING used, max_exposure, max_var",
                {"amount": amount, "account_id": account_id},
            )
            return cursor.fetchone()

    def release(self, *, account_id: str, amount: Decimal) -> None:
        """Gives `amount` back; a negative one is taken, whatever the limit says."""
        if amount:
            self.filter(account_id=account_id).update(used=models.F("used") - amount)


class ExposureLimit(models.Model):
    """How much exposure an account may have, and has: open orders plus positions.

    `owner_id` and `tenant` are empty as long as nobody has told them.
    `max_var` bounds the value at risk of the account as well, where an operator has set it.
    """

    account_id = models.CharField(primary_key=True, max_length=36)
    owner_id = models.CharField(max_length=64, blank=True, default="")
    tenant = models.CharField(max_length=64, blank=True, default="", db_default="")
    max_exposure = value_field()
    used = value_field(default=0)
    max_var = value_field(null=True)
    currency = models.CharField(max_length=3, default="USD")
    updated_at = models.DateTimeField()

    objects = ExposureLimitManager()


class Reservation(models.Model):
    """What one order took of its account's limit.

    `open_*` is the part that waits for fills; `raised` is held on top of it for a replacement that is under
    way. `reason` says why an order was refused.
    """

    class State(models.TextChoices):
        """Where a reservation stands."""

        ACTIVE = "active"
        CONSUMED = "consumed"
        RELEASED = "released"
        REFUSED = "refused"

    class Reason(models.TextChoices):
        """Why an order was refused: no room, too much at risk, or another order of its batch was."""

        EXPOSURE = "exposure"
        VALUE_AT_RISK = "value-at-risk"
        OTHER_LEG = "other-leg"

    order_id = models.CharField(primary_key=True, max_length=36)
    account_id = models.CharField(max_length=36)
    symbol = models.CharField(max_length=16)
    side = models.CharField(max_length=4)
    amount = value_field()
    released = value_field(default=0)
    open_quantity = quantity_field()
    open_amount = value_field()
    raised = value_field(default=0)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    reason = models.CharField(max_length=16, choices=Reason, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account_id", "-created_at"], name="risk_reservations_by_account")]

    @property
    def hold(self) -> Hold:
        """The open part as the domain sees it."""
        return Hold(quantity=self.open_quantity, amount=self.open_amount)

    @property
    def held(self) -> Decimal:
        """All of the limit that the order holds now."""
        return self.open_amount + self.raised

    def close(self, state: Reservation.State, reason: str = "") -> None:
        """Ends the reservation: released, or refused in the first place."""
        if state == self.State.RELEASED:
            self.released += self.held
        self.state, self.reason = state, reason
        self.open_quantity = self.open_amount = self.raised = Decimal(0)
        self._write("state", "reason")

    def consume(self, part: Consumption) -> Decimal:
        """Books a fill and returns what it took out of the hold; the last one ends the reservation."""
        taken = part.kept + part.released
        self.released += part.released
        self.open_quantity, self.open_amount = part.rest.quantity, part.rest.amount
        if not part.rest.quantity:
            self.state = self.State.CONSUMED
            taken += self.raised
            self.released += self.raised
            self.raised = Decimal(0)
        self._write("state")
        return taken

    def replace(self, hold: Hold) -> Decimal:
        """Makes `hold` the open part and returns what is given back, below zero where it takes more."""
        freed = self.held - hold.amount
        if freed < 0:
            self.amount -= freed
        else:
            self.released += freed
        self.open_quantity, self.open_amount, self.raised = hold.quantity, hold.amount, Decimal(0)
        self._write("amount")
        return freed

    def _write(self, *fields: str) -> None:
        self.save(update_fields=["released", "open_quantity", "open_amount", "raised", *fields])


class ProcessedEvent(AbstractProcessedEvent):
    """Events already applied."""
