"""CRDs that nobody uses, beside a test."""

import pytest
from cluster.kubectl import Cluster, benchmark

pytestmark = pytest.mark.untimed

GROUP = ".ballast.bench.kro.run"


def test_ballast_is_there_beside_its_test_and_goes_with_the_run(cluster: Cluster) -> None:
    workload = {"scenario": "single", "instances": 2, "ballast": {"crds": 2, "fields": 5}}
    status = cluster.finish(benchmark("ballast", {"name": "a", "workload": workload}))
    assert status["phase"] == "Completed", status
    record = cluster.run_record("ballast")
    [test] = record["tests"]
    assert test["ballastCrds"] == 2
    assert test["success"]
    assert record["orphans"]["count"] == 0
    assert GROUP not in cluster.run("get", "crds", "--output=name").stdout
