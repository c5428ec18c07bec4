"""How a stream ends when the server ends it (WebSocket close codes, private range)."""

from __future__ import annotations

from typing import Final

# The request names no symbol, or too many.
CLOSE_BAD_REQUEST: Final = 4400

# No valid token came with the request.
CLOSE_UNAUTHENTICATED: Final = 4401

# The client did not read fast enough; it may connect again and starts from a fresh snapshot.
CLOSE_TOO_SLOW: Final = 4408
