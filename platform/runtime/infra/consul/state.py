"""What the stores have in common: the index that every change increments, errors, durations."""

import re
from collections.abc import Callable

NODE = "nexus-node"
DATACENTRE = "dc1"
NODE_CHECK = "serfHealth"

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


class ApiError(Exception):
    """An answer that is not 200: `status` and a text for the client."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(f"{status} {text}")


class Index:
    """The number of the last change; it only grows. `on_change` is called after each."""

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self.value = 1
        self._on_change = on_change

    def next(self) -> int:
        """Counts one change and returns its number."""
        self.value += 1
        self._on_change()
        return self.value


def seconds(duration: str | int | None, default: float = 0.0) -> float:
    """A duration as Go writes it ("1m30s") or in nanoseconds, in seconds. ApiError 400 for anything else."""
    if duration is None or duration == "":
        return default
    if isinstance(duration, int):
        return duration / 1e9
    if _DURATION.sub("", duration):
        if duration.isdigit():
            return int(duration) / 1e9
        raise ApiError(400, f"invalid duration {duration!r}")
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(duration))
