"""ConfigError
└── MissingVariable
"""  # noqa: D205, D400, D415 - a tree, as in shared.errors

from __future__ import annotations

from shared.errors import NexusError

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h


class ConfigError(NexusError):
    """A setting is absent, malformed or of the wrong type; the message names it."""

    problem_type = "configuration-error"
    title = "Configuration error"


class MissingVariable(ConfigError):
    """A required environment variable is not set."""

    def __init__(self, variable: str) -> None:
        super().__init__(f"environment variable {variable} is not set", variable=variable)
        self.variable = variable
