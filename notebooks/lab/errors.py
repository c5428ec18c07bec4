"""What can go wrong in the lab. LabError's text is one line: what is wrong and what to do."""


class LabError(Exception):
    """Base of all errors of the lab."""
