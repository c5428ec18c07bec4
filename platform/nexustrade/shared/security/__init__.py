"""Who calls: identities, service tokens, access tokens, passwords."""

from shared.security.identity import Identity

__all__ = ["Identity"]
