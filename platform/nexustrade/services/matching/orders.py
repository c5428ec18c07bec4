"""Orders as they rest in the book or wait for their stop price."""

from __future__ import annotations

from typing import Any, Final

from services.matching.commands import CONTINUOUS, GTC, Submit

BUY: Final = 1
SELL: Final = -1


class RestingOrder:
    """An order in the book: `price` in ticks, `remaining` in lots, `arrival` its place in time.

    `session` is the ordinal of the trading date of `calendar` at whose end a day order leaves the book.
    """

    __slots__ = (
        "account_id",
        "arrival",
        "calendar",
        "order_id",
        "price",
        "remaining",
        "session",
        "side",
        "time_in_force",
    )

    def __init__(
        self,
        order_id: str,
        account_id: str,
        side: int,
        price: int,
        remaining: int,
        time_in_force: str,
        session: int,
        arrival: int,
        calendar: str = CONTINUOUS,
    ) -> None:
        self.order_id = order_id
        self.account_id = account_id
        self.side = side
        self.price = price
        self.remaining = remaining
        self.time_in_force = time_in_force
        self.session = session
        self.arrival = arrival
        self.calendar = calendar

    def as_submit(self) -> Submit:
        """The order that would come to rest as this one."""
        return Submit(
            self.order_id,
            self.account_id,
            self.side,
            self.remaining,
            self.price,
            self.time_in_force,
            self.session,
            None,
            self.calendar,
        )

    def lapses(self, session: int, calendar: str) -> bool:
        """Whether it does not outlive the end of that trading date."""
        return self.time_in_force != GTC and self.session <= session and self.calendar == calendar

    def __repr__(self) -> str:
        side = "buy" if self.side == BUY else "sell"
        return f"<{side} {self.remaining} @ {self.price} {self.order_id} #{self.arrival}>"


class StopOrder(RestingOrder):
    """An order that waits at its stop price, `price`; `limit` is its own once active, None for market.

    An immediate-or-cancel or fill-or-kill stop order waits no longer than a day order.
    """

    __slots__ = ("limit",)

    def __init__(self, *fields: Any, limit: int | None = None) -> None:
        super().__init__(*fields)
        self.limit = limit

    @classmethod
    def waiting(cls, order: Submit, arrival: int) -> StopOrder:
        order_id, account_id, side, quantity, limit, time_in_force, session, stop_price, calendar = order
        place = (order_id, account_id, side, stop_price, quantity, time_in_force, session, arrival, calendar)
        return cls(*place, limit=limit)

    def as_submit(self) -> Submit:
        """The order that would come to wait as this one."""
        return super().as_submit()._replace(price=self.limit, stop_price=self.price)

    def activated(self) -> Submit:
        """The market or limit order that it becomes."""
        return super().as_submit()._replace(price=self.limit)
