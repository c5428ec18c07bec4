"""Messages of a version that this code does not know yet, as an upgraded service would write them."""

from __future__ import annotations

from proto import events_pb2 as pb
from shared.events.codec import encode
from shared.events.versions import current_version
from support.direct import trade_envelope

NEWER = current_version("TradeExecuted") + 1


def newer_trade(
    price: str,
    symbol: str = "AAPL",
    buyer: str = "a-1",
    seller: str = "a-2",
    *,
    quantity: int = 1,
    least_reader: int = 0,
    scale: int = 10,
) -> bytes:
    """A trade of the next version, which gives prices in tenths of a tick: `scale` of them to one tick."""
    envelope = trade_envelope(symbol, buyer, seller, quantity=quantity, price=price)
    message = pb.Envelope.FromString(encode(envelope))
    message.schema_version = NEWER
    message.least_reader_version = least_reader
    message.trade_executed.price.price_ticks *= scale
    return message.SerializeToString()
