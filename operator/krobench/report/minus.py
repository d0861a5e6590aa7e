"""What tests cost beyond others of their suite."""

from collections.abc import Callable, Sequence

from krobench.api import units
from krobench.findings.difference import CostDifference
from krobench.report.tables import table

_SHOW: dict[str, Callable[[float | None], str]] = {
    "bytes": units.size,
    "seconds": units.seconds,
    "number": units.number,
}


def differences_section(differences: Sequence[CostDifference]) -> str:
    """Return the section on tests minus others; empty where none names another."""
    if not differences:
        return ""
    pairs = dict.fromkeys((each.test, each.minus) for each in differences)
    tables = [
        f"### {test} minus {minus}\n\n"
        + table(
            ("figure", test, minus, "difference", "95 % interval", "for each instance"),
            [_row(each) for each in differences if (each.test, each.minus) == (test, minus)],
        )
        for test, minus in pairs
    ]
    return (
        "## Differences\n\n"
        + "\n\n".join(tables)
        + "\n\nThe tests took turns, iteration by iteration. A difference is the median over all "
        "pairs of an iteration of each (Hodges-Lehmann), its interval Welch's; one that has zero "
        "in its interval has not been shown to be any."
    )


def _row(found: CostDifference) -> tuple[str, ...]:
    show = _SHOW[found.unit]
    return (
        found.figure,
        show(found.value),
        show(found.minus_value),
        show(found.difference),
        _interval(found),
        "-" if found.each is None else show(found.each),
    )


def _interval(found: CostDifference) -> str:
    if found.low is None or found.high is None:
        return "not available: fewer than two iterations of a test have it"
    show = _SHOW[found.unit]
    return f"{show(found.low)} to {show(found.high)}"
