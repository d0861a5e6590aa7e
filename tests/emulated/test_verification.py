"""Trying a recommendation, on a kro that is only said to be restarted."""

import pytest
from doubles.cluster import QUICK, MemoryCluster
from emulated.test_load import UID, quick
from emulated.test_variants import Log, log

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.kro import Variant
from krobench.findings.comparison import Comparison, MetricVerdict, Replicates
from krobench.findings.recommendation import (
    Area,
    BudgetTooShort,
    Confidence,
    QuotedAdvice,
    Recommendation,
    TrialFailed,
    Verification,
)
from krobench.loadjob.benchmark import BenchmarkTask
from krobench.loadjob.engine import Engine
from krobench.loadjob.scaletest import verify
from krobench.program.verification import plan_trial
from krobench.record.run import RunRecord
from krobench.workload.testplan import plan_tests

assert quick  # fixtures that are used here too
assert log

SPEC = {
    "tests": [{"name": "a", "workload": {"scenario": "single", "instances": 3}}],
    "defaults": {"iterations": 1, "warmup": 0},
    "cleanup": "Never",
}
ADVISED = Variant(name="two", args=["--workers=2"])
ADVICE = Recommendation(
    advice=QuotedAdvice(title="t", effect="e", source="s"),
    area=Area.KRO_FLAG,
    confidence=Confidence.HIGH,
    variant=ADVISED,
)


async def tried(
    seconds_left: float = 1e6,
) -> tuple[Verification, Comparison | None, RunRecord]:
    metadata = {"name": "bench", "namespace": "default", "uid": UID, "generation": 1}
    resource = {"metadata": metadata, "spec": SPEC}
    engine = Engine(MemoryCluster(), resource, BenchmarkTask(resource), QUICK)
    (plan,) = plan_tests(KroBenchmarkSpec.model_validate(SPEC))
    tested = engine.record.tests[0].model_copy(update={"duration_seconds": 10.0})
    trial = plan_trial(plan, tested, ADVISED, iterations=3, index=1)
    found, comparison = await verify(engine, engine.context(), ADVICE, trial, seconds_left)
    return found, comparison, engine.record


async def test_a_trial_runs_blocks_and_compares(log: Log) -> None:
    found, comparison, record = await tried()

    assert found.verdict in set(MetricVerdict)
    assert found.ratio is not None
    assert (found.old_replicates, found.new_replicates) == (7, 7)
    assert found.replicates is Replicates.BLOCKS
    assert comparison is not None
    assert (comparison.old, comparison.new) == ("as-it-is", "two")
    assert [test.name for test in record.tests] == ["a"]
    found_first, *turns, left, settled = log.entries
    assert (found_first, left, settled) == ("found", "left", "settled")
    assert len(turns) == 2 * 7
    assert all(
        set(block) == {"as-it-is", "two"} for block in zip(turns[::2], turns[1::2], strict=True)
    )


async def test_a_trial_restores_kro_if_it_does_not_start(log: Log) -> None:
    log.fails_at = ["found", "as-it-is", "two"]
    found, comparison, record = await tried()

    assert found.verdict is None
    assert isinstance(found.error, TrialFailed)
    assert "kro did not start" in found.error.detail
    assert log.entries[-2:] == ["left", "settled"]
    assert comparison is None
    assert any("trying the first recommendation failed" in warning for warning in record.warnings)


async def test_a_trial_stays_within_the_budget(log: Log) -> None:
    found, _, _ = await tried(seconds_left=5.0)

    assert found.verdict is None
    assert isinstance(found.error, BudgetTooShort)
    assert found.error.left_seconds == 5
    assert log.entries == []


async def test_a_trial_without_the_right_to_change_kro_names_the_missing_permission(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def denied(*_: object) -> bool:
        return False

    monkeypatch.setattr("krobench.loadjob.permissions._is_allowed", denied)
    found, _, record = await tried()

    assert isinstance(found.error, TrialFailed)
    assert "may not get deployments.apps in kro-system" in found.error.detail
    assert "for spec.verify, install the chart with variants.enabled=true" in found.error.detail
    assert record.warnings
    assert log.entries == []
