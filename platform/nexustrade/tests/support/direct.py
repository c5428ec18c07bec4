"""Services called past the gateway, and events published past their services."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from shared import clock
from shared.config import Settings
from shared.events.envelope import EventEnvelope, envelope_for
from shared.events.producer import EventProducer
from shared.events.types import TradeExecuted
from shared.money import Price, Quantity
from shared.security import Identity, service_tokens


class OperatorClient:
    """An operator's requests, as the gateway hands them on to one service."""

    def __init__(self, platform: Any, service: str) -> None:
        self._service = service
        self._secret = platform.environment(service)["SERVICE_TOKEN_SECRET"]
        self._http: httpx.Client = platform.http(service)

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        identity = Identity(subject="operator", roles=("operator",), tenant="retail")
        token = service_tokens.issue("gateway", self._service, identity, self._secret)
        return self._http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **kwargs)

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("POST", path, **kwargs)

    def close(self) -> None:
        self._http.close()


def trade_envelope(
    symbol: str, buyer: str, seller: str, *, quantity: int = 1, price: str = "10.00", epoch: int = 1
) -> EventEnvelope:
    """A trade as matching would announce it."""
    trade_id = f"{symbol}-{uuid.uuid4().hex[:12]}"
    trade = TradeExecuted(
        trade_id=trade_id,
        symbol=symbol,
        price=Price(price),
        quantity=Quantity(quantity),
        buy_order_id=f"b-{trade_id}",
        sell_order_id=f"s-{trade_id}",
        buy_account_id=buyer,
        sell_account_id=seller,
        aggressor_side="buy",
        executed_at=clock.now(),
    )
    return envelope_for(trade, producer="matching", aggregate_id=symbol, epoch=epoch)


def publish(
    platform: Any, envelopes: list[EventEnvelope], *, wait: bool = True, service: str = "settlement"
) -> None:
    """Puts trades on the topic of executions; returns once all are acknowledged.

    Without `wait`, the next one is sent before the one before is acknowledged. The brokers are those that
    `service` is started with.
    """
    environment = {"NEXUS_PORT": "1", "NEXUS_SERVICE": "tests", **platform.environment(service)}
    producer = EventProducer(Settings.from_mapping(environment))
    try:
        for envelope in envelopes:
            producer.publish("executions", envelope.payload.symbol, envelope, wait=wait)
    finally:
        producer.close()
