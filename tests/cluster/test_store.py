"""Results in a bucket that load Jobs reach, and that the commands read."""

from collections.abc import Iterator

import pytest
from cluster.conftest import provider
from cluster.kubectl import ROOT, Cluster, benchmark, condition, keeping_rgds, scenario
from cluster.test_installation import helm
from objectstore import KEYS, S3Server

pytestmark = [
    pytest.mark.untimed,
    pytest.mark.skipif(
        provider() != "testbed", reason="pods of other clusters do not reach this machine"
    ),
]

NODE = "10.87.0.1"
CHART = str(ROOT / "helm" / "krobench")
SECRETS = (("krobench-system", "store-writer"), ("default", "store-reader"))


@pytest.fixture(scope="module")
def bucket(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server that pods reach, in which the operator's load Jobs store results."""
    server = S3Server(tmp_path_factory.mktemp("bucket") / "root", NODE)
    server.start()
    keys = [f"--from-literal={name}={value}" for name, value in KEYS.items()]
    for namespace, name in SECRETS:
        cluster.run("-n", namespace, "create", "secret", "generic", name, *keys)
    place = server.location
    s3 = {
        "bucket": place.bucket,
        "prefix": place.prefix,
        "endpoint": place.endpoint,
        "secretName": "store-writer",
        "readerSecretName": "store-reader",
    }
    values = [f"--set=results.storage.s3.{name}={value}" for name, value in s3.items()]
    change = ("--reset-then-reuse-values", "--set=results.storage.type=S3", *values)
    try:
        done = helm(cluster, "upgrade", "krobench", CHART, *change, "--wait", "--timeout=120s")
        assert done.returncode == 0, done.stdout + done.stderr
        yield server
    finally:
        helm(cluster, "rollback", "krobench", "--wait", "--timeout=120s")
        for namespace, name in SECRETS:
            cluster.run("-n", namespace, "delete", "secret", name)
        kept = "bench.kro.run/component in (store,history)"
        cluster.run("-n", "default", "delete", "configmap", f"--selector={kept}")
        server.stop()


def test_results_are_read_back_from_the_bucket(cluster: Cluster, bucket: S3Server) -> None:
    status = cluster.finish(benchmark("stored", scenario("a"), results={"retention": {"runs": 2}}))
    assert status["phase"] == "Completed"
    assert condition(status, "Stored")["status"] == "True"
    record = cluster.run_record("stored")
    assert (bucket.bucket / bucket.location.prefix / record["store"]["path"] / "run.json").exists()
    assert "binaryData" not in cluster.get("configmap", "stored-results")
    page = cluster.krobench("report", "stored", "--format", "html")
    assert page.returncode == 0, page.stderr
    history = cluster.krobench("history", "stored")
    assert record["id"][:8] in history.stdout, history.stderr
    compared = cluster.krobench("compare", "history:default/stored", "default/stored")
    assert "on both sides" in compared.stdout + compared.stderr


def test_a_bucket_that_vanishes_in_mid_run_costs_nothing(
    cluster: Cluster, bucket: S3Server
) -> None:
    cluster.apply(benchmark("vanished", keeping_rgds(scenario("a")), defaults={"iterations": 4}))
    cluster.wait_for_iteration("vanished", "a")
    bucket.drop_bucket()
    cluster.wait("vanished", "Finished")
    status = cluster.status("vanished")
    assert (status["phase"], status["progress"]) == ("Completed", "4/4")
    assert condition(status, "Stored")["reason"] == "BucketNotFound"
    assert "BucketNotFound" in cluster.events("vanished")["RunWarning"]
    assert "objects.jsonl.gz" in cluster.get("configmap", "vanished-results")["binaryData"]
    assert cluster.krobench("report", "vanished", "--format", "html").returncode == 0
