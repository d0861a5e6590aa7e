"""Which rounds of a test follow one another without a change of variant.

In the first round variants go in their order, in the second in the opposite one, and so on (ABBA):
the last variant of a round is the first of the next, and stays in force. Such rounds are one
*visit* to a variant. Every visit begins with a kro that has just been started.
"""

from collections import Counter


def visit_of(round_index: int, position: int, variants: int) -> int:
    """Return which visit to a variant a round belongs to, from 0.

    ``position`` is that of the variant among all of them.
    """
    if variants == 1:
        return 0
    if position == 0:
        return (round_index + 1) // 2
    return round_index // 2 if position == variants - 1 else round_index


def visits(rounds: int, position: int, variants: int) -> tuple[int, ...]:
    """Return how many rounds each visit to a variant takes."""
    counted = Counter(visit_of(index, position, variants) for index in range(rounds))
    return tuple(counted[visit] for visit in sorted(counted))
