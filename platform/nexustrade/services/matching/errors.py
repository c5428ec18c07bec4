"""The errors of matching.

DependencyUnavailable
├── NotLeader       this instance may not match
└── Fenced          a newer epoch has taken the book over
"""

from __future__ import annotations

from shared.errors import DependencyUnavailable


class NotLeader(DependencyUnavailable):
    """Another instance matches, or nobody does yet."""


class Fenced(DependencyUnavailable):
    """The store refused a write of an epoch that has been overtaken."""
