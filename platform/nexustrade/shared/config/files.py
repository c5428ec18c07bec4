"""Layered configuration: base.yaml, then <environment>.yaml, then variables like NEXUS__RISK__DEFAULT_LIMIT.

A later layer wins over an earlier one, key by key: mappings are merged, everything else is replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import yaml

from shared.config.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONFIG_DIRECTORY = Path(__file__).resolve().parents[2] / "config"
VARIABLE_PREFIX = "NEXUS__"
_TRUTH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_MISSING: Any = object()
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the faster one, where there is libyaml

T = TypeVar("T")


class Config:
    """An immutable tree of settings; `version` is a digest of its content, equal where the content is."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = _frozen(values)
        text = json.dumps(values, sort_keys=True, default=str)
        self.version = hashlib.sha256(text.encode()).hexdigest()[:16]

    @overload
    def get(self, path: str, kind: type[T]) -> T: ...

    @overload
    def get(self, path: str, kind: type[T], default: T) -> T: ...

    def get(self, path: str, kind: type[T], default: T = _MISSING) -> T:
        """The value at `path` ("risk.default_limit") as `kind`: str, int, float, bool, Decimal, list or dict.

        ConfigError when it is absent and has no default, or is of another type; a float is no Decimal.
        """
        value: Any = self._values
        for key in path.split("."):
            value = value.get(key) if isinstance(value, MappingProxyType) else None
        if value is None:
            if default is _MISSING:
                raise ConfigError(f"{path} is not configured", key=path)
            return default
        return _converted(path, value, kind)


def load_config(
    env: str, directory: Path = CONFIG_DIRECTORY, environ: Mapping[str, str] | None = None
) -> Config:
    """The configuration for `env` from the files in `directory` and the variables of `environ`.

    `environ` defaults to the process's. ConfigError when a file is absent or is not a mapping.
    """
    values: dict[str, Any] = {}
    for layer in (read_yaml(directory / "base.yaml"), read_yaml(directory / f"{env}.yaml")):
        values = merged(values, layer)
    return Config(merged(values, _from_variables(os.environ if environ is None else environ)))


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _SafeLoader)  # noqa: S506 - it is one of the safe ones
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path.name}: {error}", file=path.name) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path.name} must hold a mapping", file=path.name)
    return content


def merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Both trees in one; where they disagree, `upper` wins."""
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        result[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def _from_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    """NEXUS__A__B=x → {"a": {"b": "x"}}; values stay text until `get` converts them."""
    result: dict[str, Any] = {}
    for name in sorted(environ):
        if not name.startswith(VARIABLE_PREFIX):
            continue
        *parents, last = name.removeprefix(VARIABLE_PREFIX).lower().split("__")
        tree: dict[str, Any] = {last: environ[name]}
        for parent in reversed(parents):
            tree = {parent: tree}
        result = merged(result, tree)
    return result


def _converted(path: str, value: Any, kind: type[T]) -> T:
    convert = _CONVERTERS.get(kind)
    if convert is None:
        raise TypeError(f"no setting is of type {kind.__name__}")
    try:
        return convert(value)  # type: ignore[no-any-return]
    except (TypeError, ValueError, InvalidOperation, yaml.YAMLError):
        raise ConfigError(f"{path} must be {kind.__name__}, not {value!r}", key=path) from None


def _to_int(value: Any) -> int:
    if isinstance(value, bool | float):
        raise TypeError
    return int(value)


def _to_float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _to_bool(value: Any) -> bool:
    return _TRUTH[value.lower()] if isinstance(value, str) and value.lower() in _TRUTH else _same(value, bool)


def _to_decimal(value: Any) -> Decimal:
    if isinstance(value, bool | float):
        raise TypeError
    return Decimal(value)


def _to_str(value: Any) -> str:
    if isinstance(value, bool | list | tuple | MappingProxyType):
        raise TypeError
    return str(value)


def _to_list(value: Any) -> list[Any]:
    return list(_same(yaml.safe_load(value) if isinstance(value, str) else value, list | tuple))


def _to_dict(value: Any) -> dict[str, Any]:
    content = yaml.safe_load(value) if isinstance(value, str) else _thawed(value)
    result: dict[str, Any] = _same(content, dict)
    return result


def _same(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({str(key): _frozen(each) for key, each in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    if isinstance(value, MappingProxyType):
        return {key: _thawed(each) for key, each in value.items()}
    return [_thawed(each) for each in value] if isinstance(value, tuple) else value


_CONVERTERS: dict[type, Callable[[Any], Any]] = {
    int: _to_int,
    float: _to_float,
    bool: _to_bool,
    Decimal: _to_decimal,
    str: _to_str,
    list: _to_list,
    dict: _to_dict,
}
