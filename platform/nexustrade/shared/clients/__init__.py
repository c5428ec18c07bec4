"""Calls from one service to another: found through Consul, bounded in time, retried with care."""

from shared.clients.aio import AsyncServiceClient
from shared.clients.breaker import BreakerConfig, CircuitBreaker, CircuitOpen
from shared.clients.bulkhead import AsyncBulkhead, Bulkhead, NoRoom
from shared.clients.deadline import Deadline, current_deadline
from shared.clients.discovery import ConsulDiscovery, Discovery, Instance, StaticDiscovery
from shared.clients.problem_errors import raise_for_problem
from shared.clients.retry import RetryBudget, RetryPolicy
from shared.clients.service import ServiceClient

__all__ = [
    "AsyncBulkhead",
    "AsyncServiceClient",
    "BreakerConfig",
    "Bulkhead",
    "CircuitBreaker",
    "CircuitOpen",
    "ConsulDiscovery",
    "Deadline",
    "Discovery",
    "Instance",
    "NoRoom",
    "RetryBudget",
    "RetryPolicy",
    "ServiceClient",
    "StaticDiscovery",
    "current_deadline",
    "raise_for_problem",
]
