"""How many examples are drawn: few beside all other tests, twenty times as many in `make fuzz`."""

import os

_FACTOR = 20 if os.environ.get("KROBENCH_THOROUGH") else 1


def drawn(few: int) -> int:
    """Return how many examples a test draws for which so few do beside all others."""
    return few * _FACTOR
