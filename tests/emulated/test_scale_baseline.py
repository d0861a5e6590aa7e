"""What a scale test is compared with, from end to end."""

from typing import Any

import pytest
from doubles.cluster import MemoryCluster
from emulated.scaletests import scale_run
from emulated.test_load import UID, quick
from emulated.test_progress import status_of
from pydantic import ValidationError

from krobench.analysis.comparison.estimates import slim
from krobench.analysis.comparison.scaletests import of_earlier_limits
from krobench.analysis.verdict import verdict_of_scale_test
from krobench.api.status import KroScaleTestStatus, Verdict
from krobench.api.yaml import load
from krobench.findings.comparison import FewEarlierRuns, MetricVerdict, OnlyIterations, Replicates
from krobench.findings.incomparable import NotComparable, RunsDiffer
from krobench.findings.scale_comparison import ScaleComparison
from krobench.findings.scaling import Limit, LimitState
from krobench.findings.validity import Validity
from krobench.record.baseline import Baseline, to_config_map
from krobench.record.run import RunRecord
from krobench.report.markdown import render

assert quick  # a fixture that is used here too

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
KEPT: dict[str, Any] = {"results": {"retention": {"runs": 30}}}
EARLIER = {"previousRuns": 20, "failWhenWorse": True}


async def run(cluster: MemoryCluster, uid: str = UID, **spec: Any) -> RunRecord:
    fields: dict[str, Any] = {
        "iterations": 1,
        "sizes": {"values": [5, 10, 30]},
        "search": {"refine": False},
    }
    return await scale_run(cluster, uid=uid, **(fields | spec)).run()


async def stored(cluster: MemoryCluster, record: RunRecord, name: str = "older-results") -> None:
    older = record.model_copy(update={"id": "uid-older"})
    data = {"run.json": older.model_dump_json(by_alias=True)}
    await cluster.create(CONFIG_MAPS, {"metadata": {"name": name}, "data": data})


async def test_a_single_earlier_run_shows_a_ratio_and_never_fails_the_run() -> None:
    cluster = MemoryCluster()
    await stored(cluster, await run(cluster))
    source = {"configMapRef": {"name": "older-results"}, "failWhenWorse": True}
    record = await run(cluster, baseline=source, slo=["latency.instanceReady.n <= 5"])
    found = record.scale_comparison
    assert found is not None
    assert isinstance(found.refused, RunsDiffer), "another SLO is another limit"
    again = await run(cluster, baseline=source)
    found = again.scale_comparison
    assert found is not None
    assert found.refused is None
    assert found.replicates is Replicates.ITERATIONS
    assert found.verdict is MetricVerdict.INCONCLUSIVE
    assert any(isinstance(note, OnlyIterations) for note in found.notes)
    assert again.verdict is Verdict.PASSED
    status = status_of(again)
    assert isinstance(status, KroScaleTestStatus)
    assert status.comparison is not None
    assert status.comparison.verdict == MetricVerdict.INCONCLUSIVE
    assert "Limit compared with ConfigMap older-results" in render(again)


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (None, "BaselineNotFound", "krobench baseline export RUN --config-map base"),
        ({"x": "{}"}, "BaselineUnreadable", "has no key baseline.json or run.json"),
        (
            {"baseline.json": '{"schema": "krobench.baseline/v2", "runs": []}'},
            "BaselineUnreadable",
            "has no results of a KroScaleTest",
        ),
    ],
)
async def test_an_unusable_baseline_is_named_and_costs_no_result(
    data: dict[str, str] | None, reason: str, words: str
) -> None:
    cluster = MemoryCluster()
    if data is not None:
        await cluster.create(CONFIG_MAPS, {"metadata": {"name": "base"}, "data": data})
    record = await run(cluster, baseline={"configMapRef": {"name": "base"}})
    assert record.verdict is Verdict.PASSED
    assert record.scale_comparison is not None
    refused = record.scale_comparison.refused
    assert isinstance(refused, NotComparable)
    assert refused.error.reason == reason
    assert words in refused.error.message
    assert any(words in warning for warning in record.warnings)


async def test_an_exported_baseline_is_what_a_scale_test_is_compared_with() -> None:
    cluster = MemoryCluster()
    older = [(await run(cluster)).model_copy(update={"id": f"uid-{n}"}) for n in range(4)]
    exported = load(to_config_map(Baseline(runs=[], scale_tests=[*map(slim, older)]), "base", "x"))
    await cluster.create(CONFIG_MAPS, exported)
    record = await run(cluster, baseline={"configMapRef": {"name": "base"}})
    assert record.scale_comparison is not None
    assert record.scale_comparison.refused is None
    assert record.scale_comparison.replicates is Replicates.RUNS
    assert len(record.scale_comparison.old_runs) == 4
    assert not record.warnings


async def test_the_kept_runs_of_the_name_are_the_baseline() -> None:
    cluster = MemoryCluster()
    first = await run(cluster, baseline=EARLIER, **KEPT)
    assert first.scale_comparison is not None
    assert isinstance(first.scale_comparison.refused, NotComparable)
    assert first.verdict is Verdict.PASSED
    assert not first.warnings
    second = await run(cluster, "1b1b2c3d-4e5f-6789-abcd-ef0123456789", baseline=EARLIER, **KEPT)
    assert second.scale_comparison is not None
    assert second.scale_comparison.refused is None
    [earlier] = second.scale_comparison.old_runs
    assert UID[:8] in earlier
    assert second.verdict is Verdict.PASSED


def test_few_earlier_runs_do_not_show_how_much_days_differ() -> None:
    found = ScaleComparison(
        old="earlier runs",
        new="new",
        old_runs=["a"] * 19,
        new_runs=["b"],
        minimum_effect=0.05,
        verdict=MetricVerdict.WORSE,
        fails_run=True,
    )
    assert found.failed
    few = of_earlier_limits(found, 20)
    assert few.verdict is MetricVerdict.INCONCLUSIVE
    assert few.notes == [FewEarlierRuns(had=19, needed=20)]
    limit = Limit(state=LimitState.NOT_REACHED, last_met=5)
    assert verdict_of_scale_test(limit, None, Validity(), few) is Verdict.PASSED
    enough = of_earlier_limits(found.model_copy(update={"old_runs": ["a"] * 20}), 20)
    assert verdict_of_scale_test(limit, None, Validity(), enough) is Verdict.FAILED


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"baseline": {"previousRuns": 3}}, "baseline.previousRuns"),
        (
            {"baseline": {"configMapRef": {"name": "a"}, "primary": ["kro.cpu.seconds"]}},
            "baseline.primary",
        ),
    ],
)
def test_what_a_baseline_cannot_mean_for_a_scale_test_is_refused(
    spec: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError, match=field):
        scale_run(MemoryCluster(), **spec)
