"""What clients count, each by the service that is called."""

from __future__ import annotations

from shared.observability.metrics import counter, gauge

# `outcome`: "answered" (whatever was decided), "failed" (5xx), "timeout" or "unreachable".
ATTEMPTS = counter("client_attempts", "Attempts of calls to services", ("target", "outcome"))
RETRIES = counter("client_retries", "Attempts that repeated an earlier one", ("target",))
# `reason`: "circuit-open" or "no-room".
REFUSED = counter("client_refused", "Calls to services that were not made", ("target", "reason"))
OPENED = counter("client_breaker_opened", "How often a breaker began to refuse calls", ("target",))
UNDER_WAY = gauge("client_calls_under_way", "Places taken in a bulkhead", ("bulkhead",))
