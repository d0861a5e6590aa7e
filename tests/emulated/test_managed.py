"""A kro that the provider of the cluster runs elsewhere: it has no pod here."""

from typing import Any

import pytest
from doubles.cluster import MemoryCluster
from emulated.test_load import run_suite
from pydantic import ValidationError

from krobench.api.refusal import refusals
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.status import Verdict
from krobench.figures.catalogue import KRO_RESIDENT, THROUGHPUT
from krobench.figures.reasons.sources import NoKroPod
from krobench.kube.config import ClientConfig
from krobench.loadjob.errors import AbortedError

TEST: dict[str, Any] = {"name": "a", "workload": {"scenario": "single", "instances": 3}}
MANAGED = {"managed": True}


async def test_what_needs_no_kro_pod_is_measured(server: str) -> None:
    cluster = MemoryCluster()
    # What samples has connections of its own, to an API server that serves no metrics.
    cluster.config = ClientConfig(server, None, lambda: None)
    record = await run_suite(cluster, [TEST], target=MANAGED, defaults={"iterations": 2})
    assert record.verdict is Verdict.PASSED
    assert record.environment.kro is None
    assert any("spec.target.managed" in warning for warning in record.warnings)
    assert not any("samples of kro" in warning for warning in record.warnings)
    for iteration in record.tests[0].iterations:
        assert iteration.figures[THROUGHPUT] is not None
        assert iteration.figures[KRO_RESIDENT.max] is None
        assert iteration.unavailable[KRO_RESIDENT.name] == NoKroPod()
        assert iteration.latency.instance_ready is not None


async def test_a_cluster_without_a_kro_pod_is_told_of_the_field() -> None:
    with pytest.raises(AbortedError, match=r"spec\.target\.managed"):
        await run_suite(MemoryCluster(), [TEST])


@pytest.mark.parametrize(
    ("model", "spec", "field"),
    [
        (KroBenchmarkSpec, {"variants": [{"name": "a"}, {"name": "b"}]}, "spec.variants"),
        (KroBenchmarkSpec, {"collect": {"profiles": ["cpu"]}}, "spec.collect.profiles"),
        (
            KroBenchmarkSpec,
            {"tests": [{"name": "a", "workload": {"cel": {}}}]},
            "spec.tests[0].workload.cel",
        ),
        (KroScaleTestSpec, {"verify": True}, "spec.verify"),
    ],
)
def test_what_needs_a_kro_pod_is_refused(
    model: type[KroBenchmarkSpec | KroScaleTestSpec], spec: dict[str, Any], field: str
) -> None:
    usual: dict[str, Any] = {"tests": [TEST]}
    if model is KroScaleTestSpec:
        workload = {"scenario": "single"}
        slo = ["errors.total == 0"]
        usual = {"axis": "instances", "sizes": {"values": [1]}, "slo": slo, "workload": workload}
    model.model_validate(usual | {"target": MANAGED})
    with pytest.raises(ValidationError) as refused:
        model.model_validate(usual | spec | {"target": MANAGED})
    assert any(field in text for text in refusals(refused.value))
