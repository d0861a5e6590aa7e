"""What commands fail with."""


class ResultsError(Exception):
    """There are no results to show; the message says why."""
