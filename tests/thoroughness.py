"""How many examples a test draws: few beside all other tests, and many in `make fuzz`."""

import os

_FACTOR = 20 if os.environ.get("KROBENCH_THOROUGH") else 1


def at_least(few: int) -> int:
    """Return how many examples a test draws for which so few do beside all others."""
    return few * _FACTOR
