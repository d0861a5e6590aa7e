"""What became of a run, in a word."""

from enum import StrEnum


class Verdict(StrEnum):
    """Whether kro met the thresholds; an aborted run has no verdict but ``Error``.

    Numbers of an invalid run are not those of the load that was asked for, so it has neither
    passed nor failed.
    """

    PASSED = "Passed"
    FAILED = "Failed"
    INVALID = "Invalid"
    ERROR = "Error"
