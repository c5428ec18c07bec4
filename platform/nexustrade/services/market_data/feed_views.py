"""What the exchange feed says about a symbol; prices and quantities are decimal text."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[str, Field(pattern=r"^\d{1,15}(\.\d{1,9})?$")]
#: ISO 8601 with a zone, kept as text.
Moment = Annotated[str, Field(max_length=40)]


class View(BaseModel):
    """Members that are not named are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class FeedQuote(View):
    """The best prices of all venues, and the day so far."""

    symbol: str
    bid: Amount
    ask: Amount
    last: Amount
    previous_close: Amount
    open: Amount
    high: Amount
    low: Amount
    volume: Amount
    as_of: Moment


class DepthLevel(View):
    price: Amount
    quantity: Amount


class Depth(View):
    """The best levels of all venues, best first."""

    symbol: str
    bids: list[DepthLevel]
    asks: list[DepthLevel]
    as_of: Moment


class Candle(View):
    """One minute of trading."""

    start: Moment
    open: Amount
    high: Amount
    low: Amount
    close: Amount
    volume: Amount


class Candles(View):
    """Minutes that are over, oldest first."""

    symbol: str
    items: list[Candle]
    as_of: Moment
