"""What symbols trade at: the last price of each, and the close of each day."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import connections, models

from services.risk.fields import price_field
from shared.clock import trading_date


class LastPriceManager(models.Manager):
    """Writes of the last price, fenced by the epoch of the matching leader."""

    def record(self, *, symbol: str, price: Decimal, epoch: int, sequence: int, traded_at: datetime) -> bool:
        """Notes a trade; False, and nothing written, when a newer leader has been heard of for the symbol.

        The price is the close of its trading day, too, until the next trade or an official close.
        """
        with connections[self.db].cursor() as cursor:
            cursor.execute(
                "WITH newest AS ("
                "INSERT INTO risk_lastprice (symbol, price, epoch, sequence, traded_at)"
                " VALUES (%(symbol)s, %(price)s, %(epoch)s, %(sequence)s, %(traded_at)s)"
                " ON CONFLICT (symbol) DO UPDATE SET price = excluded.price, epoch = excluded.epoch,"
                " sequence = excluded.sequence, traded_at = excluded.traded_at"
                " WHERE risk_lastprice.epoch <= excluded.epoch RETURNING symbol, price"
                "), noted AS ("
                "INSERT INTO risk_close (symbol, day, price, official)"
                " SELECT symbol, %(day)s::date, price, false FROM newest"
                " ON CONFLICT (symbol, day) DO UPDATE SET price = excluded.price"
                " WHERE NOT risk_close.official"
                ") SELECT count(*) FROM newest",
                {
                    "symbol": symbol,
                    "price": price,
                    "epoch": epoch,
                    "sequence": sequence,
                    "traded_at": traded_at,
                    "day": trading_date(traded_at),
                },
            )
            return cursor.fetchone() == (1,)


class LastPrice(models.Model):
    """What a symbol last traded at, and under which matching leader."""

    symbol = models.CharField(primary_key=True, max_length=16)
    price = models.DecimalField(max_digits=20, decimal_places=6)
    epoch = models.BigIntegerField()
    sequence = models.BigIntegerField()
    traded_at = models.DateTimeField()

    objects = LastPriceManager()


class Close(models.Model):
    """What a symbol closed at on a trading day: imported (`official`), or the last trade so far."""

    symbol = models.CharField(max_length=16)
    day = models.DateField()
    price = price_field()
    official = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["symbol", "day"], name="risk_one_close")]
