"""Children that a simulator makes ready."""

import pytest
from cluster.kubectl import Cluster, benchmark

pytestmark = pytest.mark.untimed

GROUP = ".cloud.bench.kro.run"
PHASES = [{"operation": "create"}, {"operation": "update"}]


def test_instances_wait_for_simulated_resources_whose_kind_goes_with_the_run(
    cluster: Cluster,
) -> None:
    cloud = {"readyAfter": "1s", "resources": 2, "bytes": 5000}
    workload = {"scenario": "cloud", "instances": 3, "cloud": cloud}
    test = {"name": "a", "workload": workload, "phases": PHASES}
    status = cluster.finish(benchmark("cloud", test))
    assert status["phase"] == "Completed", status
    record = cluster.run_record("cloud")
    [test] = record["tests"]
    assert test["success"], test
    for iteration in test["iterations"]:
        assert iteration["cloud"]["delaySeconds"] == 2.0
        assert iteration["cloud"]["writes"] == 12, "each is created and updated"
        assert iteration["cloud"]["failed"] == 0
        assert iteration["latency"]["instanceReady"]["p50Seconds"] >= 2.0
        assert iteration["latency"]["instanceUpdated"]["p50Seconds"] >= 1.0
        assert not any("Resources" in each["code"] for each in iteration["validity"]["causes"])
    assert record["orphans"]["count"] == 0
    assert GROUP not in cluster.run("get", "crds", "--output=name").stdout
