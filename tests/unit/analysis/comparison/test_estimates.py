from typing import Any

from unit.controller.world import record

from krobench.analysis.comparison.compare import Side, compare
from krobench.analysis.comparison.estimates import condense
from krobench.analysis.comparison.rules import Rules
from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause
from krobench.findings.estimates import DifferenceSubject, RunEstimates
from krobench.findings.incomparable import Invalid, IterationsElsewhere, NotCompleted
from krobench.findings.validity import QuotedCause, Validity
from krobench.record.run import RunRecord, RunState
from krobench.record.test import IterationRecord


def iteration(index: int, **changes: Any) -> IterationRecord:
    fields = {
        "index": index,
        "warmup": False,
        "startTime": "2026-01-01T00:00:00Z",
        "endTime": "2026-01-01T00:00:09Z",
        "durationSeconds": 9.0,
        "success": True,
        "counts": {"requested": 3, "ready": 3},
        "latency": {"instanceReady": {"n": 3, "p50Seconds": 0.5 + index}},
        "figures": {"perInstance.kro.cpu.seconds": 0.01},
    }
    return IterationRecord.model_validate(fields | changes)


def finished(**changes: Any) -> RunRecord:
    run = record(RunState.COMPLETED, **changes)
    run.tests[0].iterations = [iteration(0, warmup=True), iteration(1), iteration(2, success=False)]
    return run


def test_measured_iterations_that_went_well_are_taken_with_what_was_measured() -> None:
    [test] = condense(finished()).tests
    [numbers] = test.iterations
    assert numbers["latency.instanceReady.p50"] == 1.5
    assert numbers["perInstance.kro.cpu.seconds"] == 0.01
    assert "kro.watchedKinds.max" not in numbers
    assert "latency.instanceReady.p99" not in numbers


def test_a_field_that_an_older_record_lacks_makes_no_other_workload() -> None:
    older, newer = finished(), finished()
    newer.spec = {"tests": [{"name": "a", "workload": {
        "scenario": "single", "instances": 3, "rgds": 1, "values": {}}, "phases": []}]}  # fmt: skip
    assert condense(older).tests[0].workload == condense(newer).tests[0].workload
    assert condense(older).tests[0].workload["workload.instances"] == "3"


def test_a_changed_rgd_is_another_workload() -> None:
    def with_rgd(value: str) -> RunRecord:
        run = finished(id=f"uid-{value}")
        inline = {"spec": {"resources": [value]}}
        workload = {"rgd": {"inline": inline}, "instances": 3}
        run.spec = {"tests": [{"name": "a", "workload": workload}]}
        return run

    old, new = condense(with_rgd("x")), condense(with_rgd("y"))
    assert old.tests[0].workload != new.tests[0].workload
    [difference] = compare(Side("old", [old]), Side("new", [new]), Rules()).differences
    assert (difference.subject, difference.name) == (
        DifferenceSubject.SETTING,
        "workload.rgd.inline",
    )
    assert str(difference.old[0]).startswith("sha256:")


def as_variant(flag: str, **spec: Any) -> RunEstimates:
    run = finished(id=f"uid{flag}")
    run.tests[0].name, run.tests[0].variant = "a.more", "more"
    variants = [{"name": "as-it-is"}, {"name": "more", "args": [flag], "image": None}]
    run.spec = run.spec | {"variants": variants} | spec
    return condense(run)


def test_what_a_variant_sets_the_interval_of_sampling_and_a_tests_target_are_told() -> None:
    target = {"namespace": "other", "matchLabels": {"app": "kro"}}
    tests = [{"name": "a", "workload": {"scenario": "single", "instances": 3}, "target": target}]
    [test] = as_variant("--workers=8", tests=tests, collect={"interval": "1s"}).tests
    told = test.workload
    assert told["variant.args.workers"] == "8"
    assert (told["target.namespace"], told["target.container"]) == ("other", "kro")
    assert told["collect.interval"] == "1s"
    assert not any(name in ("variant.name", "variant.image") for name in told)
    assert condense(finished()).tests[0].workload["collect.interval"] == "5s"


def test_another_setting_of_a_variant_of_one_name_is_another_workload() -> None:
    old, new = as_variant("--workers=1"), as_variant("--workers=8")
    [difference] = compare(Side("old", [old]), Side("new", [new]), Rules()).differences
    assert (difference.name, difference.old, difference.new) == (
        "variant.args.workers",
        ["1"],
        ["8"],
    )


def test_settings_that_an_older_baseline_lacks_are_not_compared() -> None:
    old, new = as_variant("--workers=1"), as_variant("--workers=8", collect={"interval": "1s"})
    workload = old.tests[0].workload
    for name in [name for name in workload if name.startswith(("variant.", "collect."))]:
        del workload[name]
    assert compare(Side("old", [old]), Side("new", [new]), Rules()).differences == []
    workload["workload.instances"] = "4"
    assert compare(Side("old", [old]), Side("new", [new]), Rules()).refused is not None


def test_a_run_without_its_iterations_is_not_compared_and_names_where_they_are() -> None:
    short = finished(parts={"run-full.json.gz": ["bench-results-1"]})
    short.tests[0].iterations = []
    unusable = condense(short).unusable
    assert unusable == IterationsElsewhere(file="run-full.json.gz")


def test_runs_that_are_invalid_or_were_given_up_are_not_to_be_compared() -> None:
    late = Validity.of([QuotedCause(reason=Cause.GENERATOR_LATE, text="it was late")])
    invalid = condense(finished(validity=late)).unusable
    assert invalid == Invalid(causes=["GeneratorLate"])
    error = ErrorInfo(reason="KroNotFound", message="no kro pod")
    aborted = condense(record(RunState.ABORTED, error=error)).unusable
    assert aborted == NotCompleted(state="Aborted", error=error)
    assert condense(finished()).unusable is None
