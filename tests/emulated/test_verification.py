"""Trying a recommendation, on a kro that is only said to be restarted."""

import pytest
from doubles.cluster import QUICK, MemoryCluster
from emulated.test_load import UID, quick
from emulated.test_variants import Log, log

from krobench.api.specs.kro import Variant
from krobench.findings.comparison import MetricVerdict, Replicates
from krobench.findings.recommendation import (
    Area,
    Confidence,
    QuotedAdvice,
    Recommendation,
    Verification,
)
from krobench.job.suite import Suite
from krobench.job.verification import Stage, verify
from krobench.program.verification import plan_trial
from krobench.record.run import RunRecord

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


async def tried(seconds_left: float = 1e6) -> tuple[Verification, RunRecord]:
    metadata = {"name": "bench", "namespace": "default", "uid": UID, "generation": 1}
    suite = Suite(MemoryCluster(), {"metadata": metadata, "spec": SPEC}, timing=QUICK)
    (plan,), (tested,) = suite._plans, suite.record.tests
    tested.duration_seconds = 10.0
    stage = Stage(
        context=suite._context(),
        changing_kro=suite._changing_kro,
        kro_at=suite._kro_at,
        begin_turn=lambda _: None,
        seconds_left=seconds_left,
    )
    trial = plan_trial(plan, tested, ADVISED, repeats=3, index=1)
    return await verify(stage, suite.record, ADVICE, trial), suite.record


async def test_takes_turns_and_compares_them(log: Log) -> None:
    found, record = await tried()

    assert found.verdict in set(MetricVerdict)
    assert found.ratio is not None
    assert (found.old_replicates, found.new_replicates) == (4, 4)
    assert found.replicates is Replicates.RESTARTS
    (comparison,) = record.variant_comparisons
    assert (comparison.old, comparison.new) == ("as-it-is", "two")
    assert [test.name for test in record.tests] == ["a"]
    turns = ["as-it-is", "two"] * 4
    assert log.entries == ["found", *turns, "left", "settled"]


async def test_puts_kro_back_where_it_does_not_start(log: Log) -> None:
    log.fails_at = ["found", "as-it-is", "two"]
    found, record = await tried()

    assert found.verdict is None
    assert "kro did not start" in (found.error or "")
    assert log.entries[-2:] == ["left", "settled"]
    assert record.variant_comparisons == []
    assert any("could not be tried" in warning for warning in record.warnings)


async def test_stays_within_the_budget(log: Log) -> None:
    found, _ = await tried(seconds_left=5.0)

    assert found.verdict is None
    assert "5 s of budget.duration are left" in (found.error or "")
    assert log.entries == []


async def test_says_what_is_missing_where_kro_may_not_be_changed(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def denied(*_: object) -> bool:
        return False

    monkeypatch.setattr("krobench.job.permissions._is_allowed", denied)
    found, record = await tried()

    assert "may not get deployments.apps in kro-system" in (found.error or "")
    assert "for spec.verify, install the chart with variants.enabled=true" in (found.error or "")
    assert record.warnings
    assert log.entries == []
