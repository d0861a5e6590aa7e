from typing import Any

import pytest

from krobench.analysis.scaling.slos import check_samples, judge_iteration, settings_of_sizes
from krobench.api.common import TIMEOUT, ErrorInfo
from krobench.api.specs.validity import Cause, ValiditySettings
from krobench.figures.summaries import Counts, Latencies, LatencySummary
from krobench.findings.scaling import (
    InvalidIteration,
    KroKilled,
    NotReadyInTime,
    SloMissed,
    SloUndecided,
)
from krobench.findings.validity import QuotedCause, Validity
from krobench.record.test import IterationRecord

MAX = "latency.instanceReady.max"
SLOS = [f"{MAX} < 5.0", "errors.total == 0"]
SETTINGS = settings_of_sizes(ValiditySettings())


def iteration(longest: float | None = 4.0, **fields: Any) -> IterationRecord:
    ready = LatencySummary(n=10, max_seconds=longest)
    return IterationRecord.model_validate(
        {
            "index": 3,
            "warmup": False,
            "start_time": "2026-01-01T00:00:00Z",
            "end_time": "2026-01-01T00:01:00Z",
            "duration_seconds": 60.0,
            "success": True,
            "counts": Counts(requested=10, sent=10, created=10, ready=10),
            "latency": Latencies(instance_ready=ready),
        }
        | fields
    )


def test_all_slos_have_to_be_met() -> None:
    trial = judge_iteration(iteration(), SLOS, SETTINGS)
    assert (trial.iteration, trial.met, trial.breached, trial.undecided) == (3, True, [], None)
    assert trial.values == {"latency.instanceReady.max": 4.0, "errors.total": 0}


def test_what_was_missed_is_said_with_what_was_measured() -> None:
    trial = judge_iteration(iteration(6.25), SLOS, SETTINGS)
    assert trial.met is False
    assert trial.breached == [SloMissed(slo=SLOS[0], measured={MAX: 6.25})]
    both = ["latency.instanceReady.max < 5.0 && errors.total == 0"]
    trial = judge_iteration(iteration(6.25), both, SETTINGS)
    assert trial.breached == [SloMissed(slo=both[0], measured={MAX: 6.25})]


def test_a_number_that_is_not_available_decides_nothing_unless_another_slo_is_missed() -> None:
    trial = judge_iteration(iteration(None), SLOS, SETTINGS)
    assert trial.met is None
    assert isinstance(trial.undecided, SloUndecided)
    assert MAX in trial.undecided.missing
    counts = Counts(requested=10, sent=10, created=10, ready=9, failed=1)
    trial = judge_iteration(iteration(None, counts=counts), SLOS, SETTINGS)
    assert trial.met is False


def test_what_was_not_ready_in_time_breaches_whatever_the_slos_are_about() -> None:
    late = ErrorInfo(reason=TIMEOUT, message="the timeout of 60s was over")
    trial = judge_iteration(iteration(success=False, error=late), SLOS[:1], SETTINGS)
    assert (trial.met, trial.breached) == (False, [NotReadyInTime(error=late)])


@pytest.mark.parametrize(
    ("cause", "ignore", "met"),
    [
        (Cause.NODE_BUSY, [], None),
        (Cause.NODE_BUSY, [Cause.NODE_BUSY], True),
        (Cause.KRO_RESTARTED, [], None),
        (Cause.NO_STEADY_STATE, [], True),
        (Cause.KRO_OOM_KILLED, [], False),
    ],
)
def test_invalid_iterations_do_not_count_unless_the_size_is_the_cause(
    cause: Cause, ignore: list[Cause], met: bool | None
) -> None:
    settings = settings_of_sizes(ValiditySettings(ignore=ignore))
    found = QuotedCause(reason=cause, text="why")
    trial = judge_iteration(iteration(validity=Validity.of([found])), SLOS, settings)
    assert trial.met is met
    assert trial.undecided == (None if met is not None else InvalidIteration(causes=[found]))
    assert trial.breached == ([KroKilled(cause=found)] if met is False else [])


@pytest.mark.parametrize(
    ("slo", "instances", "rgds", "enough"),
    [
        ("latency.instanceReady.p99 < 1.0", 100, 1, True),
        ("latency.instanceReady.p99 < 1.0", 99, 1, False),
        ("errors.total == 0 && latency.rgdReady.p90 < 1.0", 500, 9, False),
        ("latency.rgdReady.max < 1.0", 1, 1, True),
        ("kro.memory.residentBytes.max < 1.0", 1, 1, True),
        ("latency.rgdReady.max < 1.0", 10, 0, False),
    ],
)
def test_percentiles_need_observations_in_each_iteration(
    slo: str, instances: int, rgds: int, enough: bool
) -> None:
    assert (check_samples([slo], instances, rgds) is None) is enough
