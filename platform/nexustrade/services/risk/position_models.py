"""What accounts hold."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from services.risk.fields import quantity_field, value_field
from services.risk.positions import Holding


class Position(models.Model):
    """An account's holding in one symbol, at cost; `version` counts the trades that changed it."""

    account_id = models.CharField(max_length=36)
    symbol = models.CharField(max_length=16)
    quantity = quantity_field(default=0)
    cost = value_field(default=0)
    realized_pnl = value_field(default=0)
    exposure = value_field(default=0)
    version = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account_id", "symbol"], name="risk_one_position")]
        indexes = [models.Index(fields=["symbol"], name="risk_positions_by_symbol")]

    @property
    def holding(self) -> Holding:
        """The row as the domain sees it."""
        return Holding(
            quantity=self.quantity,
            cost=self.cost,
            realized_pnl=self.realized_pnl,
            exposure=self.exposure,
        )

    @holding.setter
    def holding(self, holding: Holding) -> None:
        self.quantity, self.cost = holding.quantity, holding.cost
        self.realized_pnl, self.exposure = holding.realized_pnl, holding.exposure

    def booked(self, at: datetime) -> None:
        """Writes the holding as the trade of that moment left it."""
        self.version += 1
        self.updated_at = at
        self.save()
