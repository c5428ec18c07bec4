"""The columns that amounts are kept in."""

from __future__ import annotations

from django.db import models


def quantity_field(**options: object) -> models.DecimalField:
    """A number of shares: lots go down to a ten-thousandth."""
    return models.DecimalField(max_digits=20, decimal_places=4, **options)


def value_field(**options: object) -> models.DecimalField:
    """A sum of price × quantity, wide enough to be exact."""
    return models.DecimalField(max_digits=32, decimal_places=10, **options)


def price_field(**options: object) -> models.DecimalField:
    """A price within the bounds of `shared.money.Price`: 18 digits on either side of the point."""
    return models.DecimalField(max_digits=36, decimal_places=18, **options)
