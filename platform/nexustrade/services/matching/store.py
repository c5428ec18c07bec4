"""What matching keeps in Redis: a restarted or newly elected engine continues with the identical book.

All keys of a symbol share one hash tag, so a step is one atomic call on a Redis Cluster as well:

  matching:{ACME}:state      hash    sequence, arrivals, last_price, status, position, commands, epoch
  matching:{ACME}:orders     hash    order id → resting or waiting order
  matching:{ACME}:outbox     list    messages that Kafka has not acknowledged yet, oldest first
  matching:{ACME}:commands   zset    ids of the latest commands, by the order they were applied in
  matching:symbols           set     every symbol that has a book

`epoch` fences: a step, a claim or a trim of an older epoch than the stored one is refused. `commands`
counts the steps, so that one that is sent twice is stored once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from redis.exceptions import ResponseError

from services.matching.codec import decode_order
from services.matching.commands import OPEN
from services.matching.errors import Fenced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redis import Redis

    from services.matching.orders import RestingOrder

SYMBOLS: Final = "matching:symbols"

# Commands remembered per symbol: how far back a sender's repetition is recognised.
REMEMBERED_COMMANDS: Final = 10_000

_FENCE = """
local held = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
if held > tonumber(ARGV[1]) then return redis.error_reply('FENCED by epoch ' .. held) end
"""

_CLAIM = _FENCE + "return redis.call('HSET', KEYS[1], 'epoch', ARGV[1])"

_COMMIT = (
    _FENCE
    + """
local stored = tonumber(redis.call('HGET', KEYS[1], 'commands') or '0')
if stored == tonumber(ARGV[2]) then return stored end  -- sent again because the first answer was lost
if stored + 1 ~= tonumber(ARGV[2]) then return redis.error_reply('FENCED after ' .. stored .. ' commands') end
local at = 3
local function take(each)  -- the next list of arguments: its length, then its items
  local last = at + tonumber(ARGV[at])
  for index = at + 1, last do each(ARGV[index], ARGV[index + 1], index - at) end
  at = last + 1
end
local function pairwise(key)
  return function(name, value, place) if place % 2 == 1 then redis.call('HSET', key, name, value) end end
end
take(pairwise(KEYS[1]))
take(function(order_id) redis.call('HDEL', KEYS[2], order_id) end)
take(pairwise(KEYS[2]))
take(function(message) redis.call('RPUSH', KEYS[3], message) end)
take(function(command_id) redis.call('ZADD', KEYS[4], ARGV[2], command_id) end)
redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -tonumber(ARGV[at]) - 1)
return stored + 1
"""
)

_TRIM = _FENCE + "return redis.call('LTRIM', KEYS[2], ARGV[2], -1)"


class Position(NamedTuple):
    """A place in Kafka's log. Offsets of another cluster say nothing: one started empty counts from zero."""

    cluster_id: str
    partition: int
    offset: int

    def covers(self, other: Position) -> bool:
        """Whether applying the log up to here has applied `other`."""
        return self[:2] == other[:2] and other.offset <= self.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is stored of one symbol; orders in order of arrival, command ids oldest first."""

    sequence: int = 0
    arrivals: int = 0
    last_price: int | None = None
    status: str = OPEN
    commands: int = 0
    position: Position | None = None
    orders: Sequence[RestingOrder] = ()
    command_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The effect of one command: scalars as they are afterwards, orders and messages as they changed."""

    epoch: int
    sequence: int
    arrivals: int
    last_price: int | None
    status: str
    commands: int
    position: Position | None
    removed: Sequence[str] = ()
    rested: dict[str, bytes] = field(default_factory=dict)
    messages: Sequence[bytes] = ()
    command_ids: Sequence[str] = ()


class BookStore:
    """Reads and writes books. Every write is one atomic call and raises Fenced for an overtaken epoch."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._claim = redis.register_script(_CLAIM)
        self._commit = redis.register_script(_COMMIT)
        self._trim = redis.register_script(_TRIM)

    def symbols(self) -> list[str]:
        return sorted(member.decode() for member in self._redis.smembers(SYMBOLS))

    def highest_epoch(self) -> int:
        """The highest epoch that has claimed a book; 0 when none was ever claimed."""
        held = [self._redis.hget(*keys(symbol, "state"), "epoch") for symbol in self.symbols()]
        return max((int(epoch) for epoch in held if epoch), default=0)

    def open(self, symbol: str, epoch: int) -> Snapshot:
        """Claim the symbol for `epoch` and return what is stored of it; a new symbol is made known first."""
        # Known before its first step: a book that exists is always found by a recovery.
        self._redis.sadd(SYMBOLS, symbol)
        self._run(self._claim, keys(symbol, "state"), [epoch])
        return self._read(symbol)

    def commit(self, symbol: str, step: Step) -> None:
        """Store one step completely or not at all."""
        arguments = [
            step.epoch,
            step.commands,
            *_counted(_flat(_scalars(step))),
            *_counted(step.removed),
            *_counted(_flat(step.rested)),
            *_counted(step.messages),
            *_counted(step.command_ids),
            REMEMBERED_COMMANDS,
        ]
        self._run(self._commit, keys(symbol, "state", "orders", "outbox", "commands"), arguments)

    def outbox(self, symbol: str, limit: int) -> list[bytes]:
        """The oldest messages that are not acknowledged yet."""
        return self._redis.lrange(*keys(symbol, "outbox"), 0, limit - 1)

    def acknowledge(self, symbol: str, count: int, epoch: int) -> None:
        """Drop the `count` oldest messages of the outbox: Kafka has them."""
        self._run(self._trim, keys(symbol, "state", "outbox"), [epoch, count])

    def _read(self, symbol: str) -> Snapshot:
        state_key, orders_key, commands_key = keys(symbol, "state", "orders", "commands")
        # One transaction: a snapshot is never taken half-way through a step.
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(state_key)
            pipe.hgetall(orders_key)
            pipe.zrange(commands_key, 0, -1)
            state, orders, command_ids = pipe.execute()
        decoded = (decode_order(order_id.decode(), data) for order_id, data in orders.items())
        return Snapshot(
            sequence=int(state.get(b"sequence", 0)),
            arrivals=int(state.get(b"arrivals", 0)),
            last_price=json.loads(state.get(b"last_price") or b"null"),
            status=state.get(b"status", OPEN.encode()).decode(),
            commands=int(state.get(b"commands", 0)),
            position=_position(state.get(b"position")),
            orders=sorted(decoded, key=lambda order: order.arrival),
            command_ids=[command_id.decode() for command_id in command_ids],
        )

    @staticmethod
    def _run(script: Any, script_keys: list[str], arguments: list[Any]) -> None:
        try:
            script(keys=script_keys, args=arguments)
        except ResponseError as error:
            if "FENCED" in str(error):
                raise Fenced(str(error)) from error
            raise


def keys(symbol: str, *names: str) -> list[str]:
    return [f"matching:{{{symbol}}}:{name}" for name in names]


def _scalars(step: Step) -> dict[str, Any]:
    return {
        "sequence": step.sequence,
        "arrivals": step.arrivals,
        "last_price": "" if step.last_price is None else step.last_price,
        "status": step.status,
        "commands": step.commands,
        "position": "" if step.position is None else ":".join(str(part) for part in step.position),
    }


def _position(stored: bytes | None) -> Position | None:
    if not stored:
        return None
    cluster_id, partition, offset = stored.decode().rsplit(":", 2)
    return Position(cluster_id, int(partition), int(offset))


def _flat(mapping: dict[str, Any]) -> list[Any]:
    return [item for pair in mapping.items() for item in pair]


def _counted(items: Iterable[Any]) -> list[Any]:
    """A list as the script reads it: its length first."""
    listed = list(items)
    return [len(listed), *listed]
