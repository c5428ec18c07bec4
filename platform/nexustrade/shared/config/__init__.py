"""Configuration: the environment (`Settings`), the layered files (`Config`) and feature flags.

All objects here are frozen; a reload makes a new one.
"""

from shared.config.errors import ConfigError, MissingVariable
from shared.config.files import CONFIG_DIRECTORY, Config, load_config
from shared.config.flags import Flags, FlagSet
from shared.config.settings import Settings

__all__ = [
    "CONFIG_DIRECTORY",
    "Config",
    "ConfigError",
    "FlagSet",
    "Flags",
    "MissingVariable",
    "Settings",
    "load_config",
]
