"""A comparison as users meet it: in the status, the conditions and the Events."""

import pytest
from unit.analysis.comparison.runs import METRICS, side
from unit.controller.world import World, record

from krobench.analysis.comparison.compare import compare
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.verdict import verdict_of_run
from krobench.api.common import ErrorInfo
from krobench.api.status import Verdict
from krobench.findings.comparison import Better, Comparison
from krobench.findings.incomparable import NotComparable
from krobench.record.run import RunState


def worse(**changes: object) -> Comparison:
    rules = Rules(primary={METRICS[0]: Better.LOWER})
    return compare(side("base", 6, 1), side("now", 6, 2, 1.5), rules).model_copy(update=changes)


def ended(comparison: Comparison) -> World:
    world = World()
    world.settle()
    run = record(RunState.COMPLETED, comparison=comparison)
    world.finish_load(comparison=comparison, verdict=verdict_of_run(run))
    world.settle()
    return world


def test_the_status_says_what_is_worse_in_a_line() -> None:
    world = ended(worse())
    assert world.status.verdict is Verdict.PASSED
    assert world.benchmark.comparison is not None
    assert world.benchmark.comparison.verdict == "Worse"
    assert world.benchmark.comparison.message.startswith(
        "Worse: 1 worse (worse: web instance ready p50 x1."
    )
    [metric] = world.benchmark.comparison.metrics
    assert (metric.test, metric.metric, metric.verdict) == ("web", METRICS[0], "Worse")
    assert metric.ratio == pytest.approx(1.5, abs=0.1)
    assert "Worse: 1 worse" in (world.status.message or "")
    event = world.events["Compared", ""]
    assert event.warning
    assert event.message == world.benchmark.comparison.message


def test_worse_fails_the_run_only_where_that_is_asked_for() -> None:
    world = ended(worse(fails_run=True))
    assert world.status.verdict is Verdict.FAILED
    assert world.condition("Complete") == "True"
    assert {c.reason for c in world.status.conditions if c.type == "Ready"} == {"WorseThanBaseline"}
    assert "WorseThanBaseline" in world.reasons


def test_a_comparison_that_was_refused_is_shown_with_its_reason() -> None:
    error = ErrorInfo(reason="BaselineNotFound", message="there is no ConfigMap default/base")
    world = ended(worse(refused=NotComparable(error=error), verdict=None, metrics=[]))
    assert world.benchmark.comparison is not None
    assert world.benchmark.comparison.verdict == "NotCompared"
    assert "there is no ConfigMap default/base" in world.benchmark.comparison.message
    assert world.events["NotCompared", ""].warning
