"""Results in a bucket or on a volume that load Jobs reach, and that the commands read."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cluster.conftest import provider
from cluster.kubectl import (
    KROBENCH,
    ROOT,
    Cluster,
    Manifest,
    benchmark,
    condition,
    keeping_rgds,
    scenario,
)
from cluster.test_installation import helm
from objectstore import KEYS, S3Server
from typer.testing import CliRunner

from krobench.cli.main import app

pytestmark = [
    pytest.mark.untimed,
    pytest.mark.skipif(
        provider() != "testbed", reason="pods of other clusters do not reach this machine"
    ),
]

NODE = "10.87.0.1"
CHART = str(ROOT / "helm" / "krobench")
SECRETS = (("krobench-system", "store-writer"), ("default", "store-reader"))
CLAIM = "krobench-results"
LOAD_USER = 65532
"""As in the Dockerfile."""


@contextmanager
def stored_in(cluster: Cluster, *values: str) -> Iterator[None]:
    """Install the chart with these values of its storage; go back to what it was afterwards."""
    shown = helm(cluster, "status", "krobench", "--output=json")
    before = str(json.loads(shown.stdout)["version"])
    changes = [f"--set=results.storage.{value}" for value in values]
    arguments = ("--reset-then-reuse-values", *changes, "--wait", "--timeout=120s")
    try:
        done = helm(cluster, "upgrade", "krobench", CHART, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        yield
    finally:
        helm(cluster, "rollback", "krobench", before, "--wait", "--timeout=120s")
        kept = "bench.kro.run/component in (store,history)"
        cluster.run("-n", "default", "delete", "configmap", f"--selector={kept}")


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
    values = [f"s3.{name}={value}" for name, value in s3.items()]
    try:
        with stored_in(cluster, "type=S3", *values):
            yield server
    finally:
        for namespace, name in SECRETS:
            cluster.run("-n", namespace, "delete", "secret", name)
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


def claim_of(directory: Path) -> tuple[Manifest, Manifest]:
    """Return a volume in a directory of this machine, which is the node, and the claim to it."""
    both = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    volume = both | {
        "capacity": {"storage": "1Gi"},
        "hostPath": {"path": str(directory)},
        "persistentVolumeReclaimPolicy": "Retain",
    }
    claim = both | {"resources": {"requests": {"storage": "1Gi"}}, "volumeName": CLAIM}
    metadata = {"name": CLAIM, "namespace": "krobench-system"}
    return (
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": CLAIM},
            "spec": volume,
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata,
            "spec": claim,
        },
    )


@pytest.fixture
def volume(cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """A directory that load Jobs write to as the volume of a claim."""
    directory = tmp_path / "volume"
    directory.mkdir()
    os.chown(directory, LOAD_USER, LOAD_USER)
    cluster.apply(*claim_of(directory))
    values = ("type=PersistentVolumeClaim", f"persistentVolumeClaim.claimName={CLAIM}")
    try:
        with stored_in(cluster, *values):
            yield directory
            # A pod that has finished still uses the claim, which goes once the runs are deleted.
            cluster.delete_runs()
            cluster.run(*KROBENCH, "delete", "pvc", CLAIM, "--timeout=60s")
    finally:
        cluster.run(*KROBENCH, "delete", "pvc", CLAIM, "--ignore-not-found", "--wait=false")
        cluster.run("delete", "pv", CLAIM, "--wait=false")


def test_results_are_read_back_from_a_volume(
    cluster: Cluster, volume: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status = cluster.finish(benchmark("on-volume", scenario("a")))
    assert condition(status, "Stored")["status"] == "True"
    assert "binaryData" not in cluster.get("configmap", "on-volume-results")
    refused = CliRunner().invoke(app, ("report", "on-volume", "--format", "html"))
    assert "KROBENCH_STORE" in refused.output, "tenants cannot read it"
    monkeypatch.setenv("KROBENCH_STORE", str(volume))
    for arguments in (
        ("report", "on-volume", "--format", "html"),
        ("history", "on-volume"),
        ("baseline", "export", "history:on-volume"),
        ("export", "on-volume", "--output", str(tmp_path / "csv")),
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, (arguments, done.output)
    compared = CliRunner().invoke(app, ("compare", "history:on-volume", "on-volume"))
    assert "on both sides" in compared.output
