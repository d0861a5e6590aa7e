"""What one more instance or RGD adds."""

from collections.abc import Sequence

from krobench.api import units
from krobench.findings.slope import Slope
from krobench.report.tables import table

_SHOW = {"bytes": units.size, "seconds": units.seconds, "number": units.number}
_ONE = {"instances": "instance", "rgds": "RGD"}


def slopes_section(slopes: Sequence[Slope]) -> str:
    """Return the section on growth with size; empty where no tests differ in size alone."""
    if not slopes:
        return ""
    rows = [
        (
            f"{slope.figure}, for each further {_ONE[slope.axis]}",
            _SHOW[slope.unit](slope.per_one),
            _interval(slope),
            f"{', '.join(slope.tests)} ({', '.join(map(str, slope.sizes))} {slope.axis})",
        )
        for slope in slopes
    ]
    return (
        "## Growth with size\n\n"
        + table(("figure", "slope", "95 % interval", "from"), rows)
        + "\n\nSlopes are Theil-Sen's over the iterations of these tests, their intervals "
        "Welch's of two sizes, and of more a bootstrap over iterations of each size."
    )


def _interval(slope: Slope) -> str:
    if slope.low is None or slope.high is None:
        fewest = "two" if len(slope.sizes) == 2 else "five"
        return f"not available: fewer than {fewest} iterations of a size"
    show = _SHOW[slope.unit]
    return f"{show(slope.low)} to {show(slope.high)}"
