"""Feature flags with gradual roll-out.

A flag is configured as `flags.<name>: true`, `false`, or `{rollout: 25}` for a quarter of all subjects (per
cent, two decimals count). Which quarter follows from a hash of flag and subject alone, so every process, at
every time, gives the same answer; and a subject that is in stays in while the roll-out grows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from shared.config.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.config.files import Config

_BUCKETS = 10_000  # hundredths of a per cent


@dataclass(frozen=True, slots=True)
class FlagSet:
    """The flags of one subject, all decided at one moment; a request keeps one from start to end."""

    subject: str
    decided: Mapping[str, bool]

    def on(self, name: str) -> bool:
        """Whether the flag is on; an unknown flag is off."""
        return self.decided.get(name, False)


class Flags:
    """The configured roll-outs, from the section `flags` of the configuration."""

    def __init__(self, rollouts: Mapping[str, float]) -> None:
        self._thresholds = {name: _threshold(name, percent) for name, percent in rollouts.items()}

    @classmethod
    def from_config(cls, config: Config) -> Flags:
        section = config.get("flags", dict, {})
        return cls({name: _percent(name, value) for name, value in section.items()})

    def evaluate(self, subject: str) -> FlagSet:
        """Decides every flag for `subject` (an account, a user) once."""
        decided = {name: bucket(name, subject) < limit for name, limit in self._thresholds.items()}
        return FlagSet(subject, MappingProxyType(decided))


def bucket(name: str, subject: str) -> int:
    """The place of `subject` in the roll-out of a flag: 0 … 9999, evenly spread, the same everywhere."""
    digest = hashlib.sha256(f"{name}:{subject}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _BUCKETS


def _threshold(name: str, percent: float) -> int:
    if not 0 <= percent <= 100:
        raise ConfigError(f"the roll-out of {name} must be 0 to 100 per cent, not {percent}", flag=name)
    return round(percent * _BUCKETS / 100)


def _percent(name: str, value: Any) -> float:
    if isinstance(value, dict):
        value = value.get("rollout")
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        value = value.lower() == "true"
    if isinstance(value, bool):
        return 100.0 if value else 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ConfigError(f"flag {name} must be true, false or {{rollout: per cent}}", flag=name) from None
