"""An upgraded engine: writes trades in the versions that it is told to.

A program for `house.beside`: takes from its input a JSON list of trades, each with "version", "least_reader",
"price" and its names, and puts them on the topic of executions.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> None:
    from shared.config import Settings
    from shared.events.producer import EVENT_TYPE_HEADER, EventProducer

    producer = EventProducer(Settings.from_mapping(os.environ))
    try:
        for trade in json.load(sys.stdin):
            headers = {EVENT_TYPE_HEADER: "TradeExecuted"}
            producer.send("executions", trade["symbol"], _written(trade), headers)
    finally:
        producer.close()


def _written(trade: dict[str, Any]) -> bytes:
    """The trade in the wire's form of its version; 3 is one that no reader here knows."""
    from proto import events_pb2 as pb
    from shared.events import codec
    from shared.events.envelope import envelope_for

    envelope = envelope_for(_trade(trade), producer="matching", aggregate_id=trade["symbol"], epoch=1)
    message = pb.Envelope.FromString(codec.encode(envelope))
    message.schema_version = trade["version"]
    message.least_reader_version = trade["least_reader"]
    executed = message.trade_executed
    if trade["version"] == 1:  # whole cents and single shares, and no word about it
        executed.price.ClearField("tick_size_nanos")
        executed.quantity.ClearField("lot_size_nanos")
    if trade["version"] == 3 and not trade["least_reader"]:
        executed.price.price_ticks *= 10  # prices in tenths of a tick
    data: bytes = message.SerializeToString()
    return data


def _trade(trade: dict[str, Any]) -> Any:
    from shared import clock
    from shared.events.types import TradeExecuted
    from shared.money import Price, Quantity

    names = ("trade_id", "symbol", "buy_order_id", "sell_order_id", "buy_account_id", "sell_account_id")
    return TradeExecuted(
        price=Price(trade["price"]),
        quantity=Quantity(1),
        aggressor_side="buy",
        executed_at=clock.now(),
        **{name: trade[name] for name in names},
    )


if __name__ == "__main__":
    main()
