"""What can go wrong while grading.

GradingError
├── UnknownBug          a name that the catalogue does not hold
├── CatalogueBroken     a bug folder that is incomplete or contradicts itself
├── PatchFailed         a patch that does not apply or revert cleanly
├── BadSubmission       a submission that cannot be read
└── RunInvalid          the tests could not be run to a trustworthy result
"""

from __future__ import annotations


class GradingError(Exception):
    """The family's base; its text is one line that says what is wrong and what to do."""


class UnknownBug(GradingError):
    """A selector such as `Z9` names no bug and no category."""


class CatalogueBroken(GradingError):
    """A bug folder lacks a file or a field."""


class PatchFailed(GradingError):
    """A patch does not fit the tree it is put on."""


class BadSubmission(GradingError):
    """A submission is not a tree or a notebook."""


class RunInvalid(GradingError):
    """The infrastructure broke, or the result cannot be trusted; never a pass and never a zero."""
