from krobench.findings.difference import CostDifference
from krobench.report.minus import differences_section

CPU = CostDifference(
    test="with",
    minus="without",
    figure="kro CPU time",
    unit="seconds",
    points=3,
    minus_points=3,
    value=3.0,
    minus_value=2.0,
    difference=1.0,
    low=0.5,
    high=1.5,
    each=0.02,
)


def test_a_difference_is_shown_with_both_sides_and_its_interval() -> None:
    text = differences_section([CPU])
    assert "### with minus without" in text
    assert "| kro CPU time | 3 s | 2 s | 1 s | 500 ms to 1.5 s | 20 ms |" in text


def test_what_is_missing_is_no_zero() -> None:
    bare = CPU.model_copy(
        update={"value": None, "difference": None, "low": None, "high": None, "each": None}
    )
    assert "| kro CPU time | not available | 2 s | not available | not available: fewer than " in (
        differences_section([bare])
    )
    assert differences_section([]) == ""
