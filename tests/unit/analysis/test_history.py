import math
import random

from unit.analysis.comparison import runs as made
from unit.analysis.comparison.runs import METRICS, environment, side

from krobench.analysis.history import Changes, History, series_lengths
from krobench.findings.estimates import DifferenceSubject, RunEstimates
from krobench.findings.incomparable import Invalid

LATENCY = METRICS[0]


def runs(upgraded: bool = True) -> list[RunEstimates]:
    before = list(side("before", 10, 1, drift=0.02).runs)
    after = list(side("after", 6, 2, 1.5, drift=0.02).runs)
    if upgraded:
        after = [run.model_copy(update={"environment": environment("0.9.5")}) for run in after]
    return before + after


def test_a_change_names_the_run_and_what_is_different_since() -> None:
    [change] = History(runs()).changes().found
    assert (change.test, change.metric) == ("web", LATENCY)
    assert change.first_after.name == "after-0"
    assert change.last_before.name == "before-9"
    assert 1.4 < change.after / change.before < 1.6
    [difference] = change.differences
    assert (difference.subject, difference.old, difference.new) == (
        DifferenceSubject.KRO_VERSION,
        ["0.9.4"],
        ["0.9.5"],
    )
    assert History(runs(upgraded=False)).changes().found[0].differences == []


def test_a_metric_of_the_users_own_is_searched_too() -> None:
    series = runs()
    for run in series:
        for numbers in run.tests[0].iterations:
            numbers["errors.total"] = 30.0 if run.name.startswith("after") else 0.0
    found = History(series, ["errors.total"]).changes().found
    assert [(change.metric, change.before, change.after) for change in found] == [
        ("errors.total", 0.0, 30.0)
    ]


def test_runs_of_which_each_is_like_the_one_before_raise_no_alarm() -> None:
    """Of 12 series that wander, 4 have a split that Student's t takes for a change."""
    alarms = withheld = 0
    for seed in range(12):
        rng, level, series = random.Random(seed), 0.0, []
        for index in range(24):
            level = 0.7 * level + rng.gauss(0, 0.05)
            series.append(made.run(f"run-{index}", [{LATENCY: math.exp(level)}]))
        result = History(series, [LATENCY]).changes()
        alarms += bool(result.found)
        withheld += bool(result.withheld)
    assert alarms + withheld == 4
    assert alarms <= 1


def test_a_flag_and_the_variable_that_gives_it_its_value_are_one_difference() -> None:
    series = runs(upgraded=False)
    for run in series:
        kro = run.environment.kro
        assert kro is not None
        workers = "1" if run.name.startswith("before") else "4"
        changed = {
            "args": [f"--dynamic-controller-concurrent-reconciles={workers}"],
            "env": {
                "KRO_DYNAMIC_CONTROLLER_CONCURRENT_RECONCILES": workers,
                "KRO_RGD_MAX_GRAPH_REVISIONS": workers + "0",
                "GOMAXPROCS": workers,
            },
        }
        run.environment.kro = kro.model_copy(update=changed)
    [change] = History(series).changes().found
    assert [difference.name for difference in change.differences] == [
        "dynamic-controller-concurrent-reconciles",
        "KRO_RGD_MAX_GRAPH_REVISIONS",
        "GOMAXPROCS",
    ]


def test_runs_of_another_workload_are_no_part_of_the_series() -> None:
    series = runs()
    for run in series[:10]:
        run.tests[0].workload["workload.instances"] = "7"
    assert History(series).changes() == Changes([], [])
    assert series_lengths(series) == {"web": 6}


def test_invalid_runs_are_no_part_of_the_series() -> None:
    invalid = Invalid(causes=["GeneratorLate"])
    series = [
        run.model_copy(update={"unusable": invalid}) if index >= 10 else run
        for index, run in enumerate(runs())
    ]
    assert History(series).changes() == Changes([], [])
    assert series_lengths(series) == {"web": 10}
