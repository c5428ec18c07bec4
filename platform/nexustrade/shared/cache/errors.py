"""What can go wrong in a cache.

DependencyUnavailable
└── LoadFailed    there is no value, and the source failed so recently that it is not asked again yet
"""

from __future__ import annotations

from shared.errors import DependencyUnavailable


class LoadFailed(DependencyUnavailable):
    """The source failed a moment ago and nothing that was kept may still be shown."""
