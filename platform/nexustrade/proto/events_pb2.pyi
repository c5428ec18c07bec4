import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Envelope(_message.Message):
    __slots__ = ("event_id", "schema_version", "event_type", "occurred_at", "producer", "aggregate_id", "sequence", "epoch", "least_reader_version", "submit_order", "cancel_order", "trade_executed", "order_cancelled", "book_changed", "order_accepted", "order_rejected", "order_filled", "order_closed", "trade_settled", "settlement_failed", "account_opened", "account_closed", "replace_order", "set_trading_status", "order_replaced", "order_triggered", "trading_status_changed")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_FIELD_NUMBER: _ClassVar[int]
    AGGREGATE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LEAST_READER_VERSION_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_ORDER_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ORDER_FIELD_NUMBER: _ClassVar[int]
    TRADE_EXECUTED_FIELD_NUMBER: _ClassVar[int]
    ORDER_CANCELLED_FIELD_NUMBER: _ClassVar[int]
    BOOK_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ORDER_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    ORDER_REJECTED_FIELD_NUMBER: _ClassVar[int]
    ORDER_FILLED_FIELD_NUMBER: _ClassVar[int]
    ORDER_CLOSED_FIELD_NUMBER: _ClassVar[int]
    TRADE_SETTLED_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_FAILED_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_OPENED_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_CLOSED_FIELD_NUMBER: _ClassVar[int]
    REPLACE_ORDER_FIELD_NUMBER: _ClassVar[int]
    SET_TRADING_STATUS_FIELD_NUMBER: _ClassVar[int]
    ORDER_REPLACED_FIELD_NUMBER: _ClassVar[int]
    ORDER_TRIGGERED_FIELD_NUMBER: _ClassVar[int]
    TRADING_STATUS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    schema_version: int
    event_type: str
    occurred_at: _timestamp_pb2.Timestamp
    producer: str
    aggregate_id: str
    sequence: int
    epoch: int
    least_reader_version: int
    submit_order: SubmitOrder
    cancel_order: CancelOrder
    trade_executed: TradeExecuted
    order_cancelled: OrderCancelled
    book_changed: BookChanged
    order_accepted: OrderAccepted
    order_rejected: OrderRejected
    order_filled: OrderFilled
    order_closed: OrderClosed
    trade_settled: TradeSettled
    settlement_failed: SettlementFailed
    account_opened: AccountOpened
    account_closed: AccountClosed
    replace_order: ReplaceOrder
    set_trading_status: SetTradingStatus
    order_replaced: OrderReplaced
    order_triggered: OrderTriggered
    trading_status_changed: TradingStatusChanged
    def __init__(self, event_id: _Optional[str] = ..., schema_version: _Optional[int] = ..., event_type: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., producer: _Optional[str] = ..., aggregate_id: _Optional[str] = ..., sequence: _Optional[int] = ..., epoch: _Optional[int] = ..., least_reader_version: _Optional[int] = ..., submit_order: _Optional[_Union[SubmitOrder, _Mapping]] = ..., cancel_order: _Optional[_Union[CancelOrder, _Mapping]] = ..., trade_executed: _Optional[_Union[TradeExecuted, _Mapping]] = ..., order_cancelled: _Optional[_Union[OrderCancelled, _Mapping]] = ..., book_changed: _Optional[_Union[BookChanged, _Mapping]] = ..., order_accepted: _Optional[_Union[OrderAccepted, _Mapping]] = ..., order_rejected: _Optional[_Union[OrderRejected, _Mapping]] = ..., order_filled: _Optional[_Union[OrderFilled, _Mapping]] = ..., order_closed: _Optional[_Union[OrderClosed, _Mapping]] = ..., trade_settled: _Optional[_Union[TradeSettled, _Mapping]] = ..., settlement_failed: _Optional[_Union[SettlementFailed, _Mapping]] = ..., account_opened: _Optional[_Union[AccountOpened, _Mapping]] = ..., account_closed: _Optional[_Union[AccountClosed, _Mapping]] = ..., replace_order: _Optional[_Union[ReplaceOrder, _Mapping]] = ..., set_trading_status: _Optional[_Union[SetTradingStatus, _Mapping]] = ..., order_replaced: _Optional[_Union[OrderReplaced, _Mapping]] = ..., order_triggered: _Optional[_Union[OrderTriggered, _Mapping]] = ..., trading_status_changed: _Optional[_Union[TradingStatusChanged, _Mapping]] = ...) -> None: ...

class Price(_message.Message):
    __slots__ = ("price_ticks", "tick_size_nanos")
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    TICK_SIZE_NANOS_FIELD_NUMBER: _ClassVar[int]
    price_ticks: int
    tick_size_nanos: int
    def __init__(self, price_ticks: _Optional[int] = ..., tick_size_nanos: _Optional[int] = ...) -> None: ...

class Quantity(_message.Message):
    __slots__ = ("quantity_lots", "lot_size_nanos")
    QUANTITY_LOTS_FIELD_NUMBER: _ClassVar[int]
    LOT_SIZE_NANOS_FIELD_NUMBER: _ClassVar[int]
    quantity_lots: int
    lot_size_nanos: int
    def __init__(self, quantity_lots: _Optional[int] = ..., lot_size_nanos: _Optional[int] = ...) -> None: ...

class Money(_message.Message):
    __slots__ = ("currency", "units", "nanos")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    NANOS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    units: int
    nanos: int
    def __init__(self, currency: _Optional[str] = ..., units: _Optional[int] = ..., nanos: _Optional[int] = ...) -> None: ...

class BookLevel(_message.Message):
    __slots__ = ("price", "quantity")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    price: Price
    quantity: Quantity
    def __init__(self, price: _Optional[_Union[Price, _Mapping]] = ..., quantity: _Optional[_Union[Quantity, _Mapping]] = ...) -> None: ...

class SubmitOrder(_message.Message):
    __slots__ = ("order_id", "account_id", "symbol", "side", "order_type", "time_in_force", "price", "quantity", "submitted_at", "stop_price", "calendar")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ORDER_TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    account_id: str
    symbol: str
    side: str
    order_type: str
    time_in_force: str
    price: Price
    quantity: Quantity
    submitted_at: _timestamp_pb2.Timestamp
    stop_price: Price
    calendar: str
    def __init__(self, order_id: _Optional[str] = ..., account_id: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[str] = ..., order_type: _Optional[str] = ..., time_in_force: _Optional[str] = ..., price: _Optional[_Union[Price, _Mapping]] = ..., quantity: _Optional[_Union[Quantity, _Mapping]] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., stop_price: _Optional[_Union[Price, _Mapping]] = ..., calendar: _Optional[str] = ...) -> None: ...

class CancelOrder(_message.Message):
    __slots__ = ("order_id", "account_id", "symbol", "requested_at")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_AT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    account_id: str
    symbol: str
    requested_at: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., account_id: _Optional[str] = ..., symbol: _Optional[str] = ..., requested_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TradeExecuted(_message.Message):
    __slots__ = ("trade_id", "symbol", "price", "quantity", "buy_order_id", "sell_order_id", "buy_account_id", "sell_account_id", "aggressor_side", "executed_at")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    BUY_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SELL_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    BUY_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SELL_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    AGGRESSOR_SIDE_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_AT_FIELD_NUMBER: _ClassVar[int]
    trade_id: str
    symbol: str
    price: Price
    quantity: Quantity
    buy_order_id: str
    sell_order_id: str
    buy_account_id: str
    sell_account_id: str
    aggressor_side: str
    executed_at: _timestamp_pb2.Timestamp
    def __init__(self, trade_id: _Optional[str] = ..., symbol: _Optional[str] = ..., price: _Optional[_Union[Price, _Mapping]] = ..., quantity: _Optional[_Union[Quantity, _Mapping]] = ..., buy_order_id: _Optional[str] = ..., sell_order_id: _Optional[str] = ..., buy_account_id: _Optional[str] = ..., sell_account_id: _Optional[str] = ..., aggressor_side: _Optional[str] = ..., executed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OrderCancelled(_message.Message):
    __slots__ = ("order_id", "account_id", "symbol", "cancelled_quantity", "reason", "cancelled_at")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_AT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    account_id: str
    symbol: str
    cancelled_quantity: Quantity
    reason: str
    cancelled_at: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., account_id: _Optional[str] = ..., symbol: _Optional[str] = ..., cancelled_quantity: _Optional[_Union[Quantity, _Mapping]] = ..., reason: _Optional[str] = ..., cancelled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BookChanged(_message.Message):
    __slots__ = ("symbol", "bids", "asks", "last_price", "changed_at")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    LAST_PRICE_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    bids: _containers.RepeatedCompositeFieldContainer[BookLevel]
    asks: _containers.RepeatedCompositeFieldContainer[BookLevel]
    last_price: Price
    changed_at: _timestamp_pb2.Timestamp
    def __init__(self, symbol: _Optional[str] = ..., bids: _Optional[_Iterable[_Union[BookLevel, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[BookLevel, _Mapping]]] = ..., last_price: _Optional[_Union[Price, _Mapping]] = ..., changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OrderAccepted(_message.Message):
    __slots__ = ("order_id", "account_id", "symbol", "side", "order_type", "price", "quantity", "accepted_at")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ORDER_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    account_id: str
    symbol: str
    side: str
    order_type: str
    price: Price
    quantity: Quantity
    accepted_at: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., account_id: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[str] = ..., order_type: _Optional[str] = ..., price: _Optional[_Union[Price, _Mapping]] = ..., quantity: _Optional[_Union[Quantity, _Mapping]] = ..., accepted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OrderRejected(_message.Message):
    __slots__ = ("order_id", "account_id", "symbol", "reason", "rejected_at")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REJECTED_AT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    account_id: str
    symbol: str
    reason: str
    rejected_at: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., account_id: _Optional[str] = ..., symbol: _Optional[str] = ..., reason: _Optional[str] = ..., rejected_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OrderFilled(_message.Message):
    __slots__ = ("order_id", "account_id", "symbol", "trade_id", "price", "quantity", "filled_quantity", "remaining_quantity", "filled_at")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FILLED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REMAINING_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FILLED_AT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    account_id: str
    symbol: str
    trade_id: str
    price: Price
    quantity: Quantity
    filled_quantity: Quantity
    remaining_quantity: Quantity
    filled_at: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., account_id: _Optional[str] = ..., symbol: _Optional[str] = ..., trade_id: _Optional[str] = ..., price: _Optional[_Union[Price, _Mapping]] = ..., quantity: _Optional[_Union[Quantity, _Mapping]] = ..., filled_quantity: _Optional[_Union[Quantity, _Mapping]] = ..., remaining_quantity: _Optional[_Union[Quantity, _Mapping]] = ..., filled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OrderClosed(_message.Message):
    __slots__ = ("order_id", "account_id", "symbol", "status", "closed_at")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    account_id: str
    symbol: str
    status: str
    closed_at: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., account_id: _Optional[str] = ..., symbol: _Optional[str] = ..., status: _Optional[str] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TradeSettled(_message.Message):
    __slots__ = ("trade_id", "symbol", "buy_account_id", "sell_account_id", "cash", "quantity", "settled_at")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    BUY_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SELL_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CASH_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SETTLED_AT_FIELD_NUMBER: _ClassVar[int]
    trade_id: str
    symbol: str
    buy_account_id: str
    sell_account_id: str
    cash: Money
    quantity: Quantity
    settled_at: _timestamp_pb2.Timestamp
    def __init__(self, trade_id: _Optional[str] = ..., symbol: _Optional[str] = ..., buy_account_id: _Optional[str] = ..., sell_account_id: _Optional[str] = ..., cash: _Optional[_Union[Money, _Mapping]] = ..., quantity: _Optional[_Union[Quantity, _Mapping]] = ..., settled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SettlementFailed(_message.Message):
    __slots__ = ("trade_id", "symbol", "reason", "failed_at")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FAILED_AT_FIELD_NUMBER: _ClassVar[int]
    trade_id: str
    symbol: str
    reason: str
    failed_at: _timestamp_pb2.Timestamp
    def __init__(self, trade_id: _Optional[str] = ..., symbol: _Optional[str] = ..., reason: _Optional[str] = ..., failed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AccountOpened(_message.Message):
    __slots__ = ("account_id", "owner_id", "tenant", "opened_at")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    owner_id: str
    tenant: str
    opened_at: _timestamp_pb2.Timestamp
    def __init__(self, account_id: _Optional[str] = ..., owner_id: _Optional[str] = ..., tenant: _Optional[str] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AccountClosed(_message.Message):
    __slots__ = ("account_id", "closed_at")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    closed_at: _timestamp_pb2.Timestamp
    def __init__(self, account_id: _Optional[str] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReplaceOrder(_message.Message):
    __slots__ = ("order_id", "account_id", "symbol", "quantity", "price", "requested_at")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_AT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    account_id: str
    symbol: str
    quantity: Quantity
    price: Price
    requested_at: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., account_id: _Optional[str] = ..., symbol: _Optional[str] = ..., quantity: _Optional[_Union[Quantity, _Mapping]] = ..., price: _Optional[_Union[Price, _Mapping]] = ..., requested_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SetTradingStatus(_message.Message):
    __slots__ = ("symbol", "status", "requested_at")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_AT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    status: str
    requested_at: _timestamp_pb2.Timestamp
    def __init__(self, symbol: _Optional[str] = ..., status: _Optional[str] = ..., requested_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OrderReplaced(_message.Message):
    __slots__ = ("order_id", "account_id", "symbol", "quantity", "price", "replaced_at")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    REPLACED_AT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    account_id: str
    symbol: str
    quantity: Quantity
    price: Price
    replaced_at: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., account_id: _Optional[str] = ..., symbol: _Optional[str] = ..., quantity: _Optional[_Union[Quantity, _Mapping]] = ..., price: _Optional[_Union[Price, _Mapping]] = ..., replaced_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OrderTriggered(_message.Message):
    __slots__ = ("order_id", "account_id", "symbol", "trigger_price", "triggered_at")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRIGGERED_AT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    account_id: str
    symbol: str
    trigger_price: Price
    triggered_at: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., account_id: _Optional[str] = ..., symbol: _Optional[str] = ..., trigger_price: _Optional[_Union[Price, _Mapping]] = ..., triggered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TradingStatusChanged(_message.Message):
    __slots__ = ("symbol", "status", "changed_at")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    status: str
    changed_at: _timestamp_pb2.Timestamp
    def __init__(self, symbol: _Optional[str] = ..., status: _Optional[str] = ..., changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
