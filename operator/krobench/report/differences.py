"""What tests cost beyond others of their suite, and what one more instance or RGD adds."""

from collections.abc import Sequence

from krobench.analysis.statistics.intervals import FEWEST_FOR_INTERVAL
from krobench.api import units
from krobench.findings.growth import CostDifference, Slope
from krobench.report.intervals import Show, spanned
from krobench.report.tables import table
from krobench.report.words.figures import title

_SHOW: dict[str, Show] = {
    "bytes": units.size,
    "seconds": units.seconds,
    "number": units.number,
}
_ONE = {"instances": "instance", "rgds": "RGD"}
_FEWEST_FOR_BOOTSTRAP = 5


def differences_section(differences: Sequence[CostDifference]) -> str:
    """Return the section on tests minus others; empty if no test names another."""
    if not differences:
        return ""
    pairs = dict.fromkeys((each.test, each.minus) for each in differences)
    tables = [
        f"### {test} minus {minus}\n\n"
        + table(
            ("figure", test, minus, "difference", "95 % interval", "per instance"),
            [
                _difference_row(each)
                for each in differences
                if (each.test, each.minus) == (test, minus)
            ],
        )
        for test, minus in pairs
    ]
    return (
        "## Differences\n\n"
        + "\n\n".join(tables)
        + "\n\nThe tests took turns, iteration by iteration. A difference is the median over all "
        "pairs of an iteration of each (Hodges-Lehmann), with Welch's interval. If the interval "
        "contains zero, there may be no difference."
    )


def _difference_row(found: CostDifference) -> tuple[str, ...]:
    show = _SHOW[found.unit]
    return (
        title(found.figure),
        show(found.value),
        show(found.minus_value),
        *_interval(
            found,
            found.difference,
            min(found.points, found.minus_points),
            of="test",
            fewest=FEWEST_FOR_INTERVAL,
        ),
        "-" if found.each is None else show(found.each),
    )


def slopes_section(slopes: Sequence[Slope]) -> str:
    """Return the section on growth with size; empty if no tests differ in size alone."""
    if not slopes:
        return ""
    rows = []
    for slope in slopes:
        sizes = len(slope.sizes)
        fewest = FEWEST_FOR_INTERVAL if sizes == 2 else _FEWEST_FOR_BOOTSTRAP
        rows.append(
            (
                f"{title(slope.figure)}, per {_ONE[slope.axis]}",
                *_interval(slope, slope.per_one, slope.points // sizes, of="size", fewest=fewest),
                f"{', '.join(slope.tests)} ({', '.join(map(str, slope.sizes))} {slope.axis})",
            )
        )
    return (
        "## Growth with size\n\n"
        + table(("figure", "slope", "95 % interval", "from"), rows)
        + "\n\nSlopes are Theil-Sen's over the iterations of these tests. Intervals are Welch's of "
        "two sizes, and a bootstrap over the iterations of each size of more."
    )


def _interval(
    found: CostDifference | Slope, value: float | None, points: int, *, of: str, fewest: int
) -> tuple[str, str]:
    """Return a value and its interval, or why it has none."""
    show, low, high = _SHOW[found.unit], found.low, found.high
    if value is None or low is None or high is None or points < FEWEST_FOR_INTERVAL:
        return show(value), f"fewer than {fewest} iterations of a {of}: too few for an interval"
    return spanned(value, low, high, show)
