"""When a comparison of variants of kro ends, and which change it must not miss."""

from typing import Annotated

from krobench.api.annotations import Between
from krobench.api.common import Duration, Percentage, SpecModel

MOST_BLOCKS = 24


class Decide(SpecModel):
    """When a comparison of variants ends. The run looks at its blocks after 8, 12, 16, 20 and 24 of
    them, and ends as soon as each variant is better, worse, the same, or not slower by the minimum
    effect."""

    minimum_effect: Percentage = "10%"
    """Relative change that must not be missed. The verdict is better or worse from half of it on,
    and no slow-down only if one of this size is ruled out."""
    max_duration: Annotated[Duration, Between("1m", "24h")] = "25m"
    """How long blocks are measured at most. No block begins that would probably exceed it."""
