from krobench.findings.growth import CostDifference, Slope
from krobench.report.differences import differences_section, slopes_section

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


def test_a_missing_difference_is_not_zero() -> None:
    bare = CPU.model_copy(
        update={"value": None, "difference": None, "low": None, "high": None, "each": None}
    )
    assert "| kro CPU time | not available | 2 s | not available | fewer than " in (
        differences_section([bare])
    )
    assert differences_section([]) == ""


def test_a_slope_is_shown_with_its_interval() -> None:
    slope = Slope(
        tests=["one", "four"],
        axis="rgds",
        sizes=[1, 4],
        figure="kro.memory.liveHeapBytes",
        unit="bytes",
        points=6,
        per_one=2**20,
        low=2**19,
        high=2**21,
    )
    row = "| kro live heap, per RGD | 1 MiB | 510 KiB to 2 MiB | one, four (1, 4 rgds) |"
    assert row in slopes_section([slope])
    bare = slope.model_copy(update={"low": None, "high": None})
    assert "fewer than 3 iterations of a size: too few for an interval" in slopes_section([bare])
    three = bare.model_copy(update={"sizes": [1, 2, 4]})
    assert "fewer than 5 iterations of a size" in slopes_section([three])
    two = slope.model_copy(update={"points": 4})
    assert "too few for an interval" in slopes_section([two])
    assert slopes_section([]) == ""
