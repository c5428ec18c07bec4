"""Which headers cross the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    RawHeaders = Iterable[tuple[bytes, bytes]]

# They describe one connection (RFC 9110, 7.6.1), not the message.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# The gateway says these itself; a client's word for them would reach services that trust the gateway.
_OWN = frozenset(
    {
        b"accept-encoding",
        b"authorization",
        b"baggage",
        b"content-length",
        b"expect",
        b"forwarded",
        b"host",
        b"traceparent",
        b"tracestate",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-real-ip",
        b"x-request-deadline",
    }
)

# Bodies cross uncompressed and whole, so their length and encoding are the gateway's; so is the trace's id.
_OWN_IN_ANSWERS = frozenset({b"content-encoding", b"content-length", b"date", b"server", b"x-trace-id"})


def towards_service(headers: RawHeaders) -> dict[str, str]:
    """The headers of a request (lower-case names) that its service gets to see."""
    pairs = list(headers)
    dropped = HOP_BY_HOP | _OWN | _named_by_connection(pairs)
    passed = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs if name not in dropped}
    return {**passed, "accept-encoding": "identity"}


def towards_client(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that the client gets to see."""
    lowered = [(name.lower(), value) for name, value in headers]
    dropped = HOP_BY_HOP | _OWN_IN_ANSWERS | _named_by_connection(lowered)
    return [(name, value) for name, value in lowered if name not in dropped]


def _named_by_connection(headers: RawHeaders) -> frozenset[bytes]:
    return frozenset(
        part.strip().lower() for name, value in headers if name == b"connection" for part in value.split(b",")
    )
