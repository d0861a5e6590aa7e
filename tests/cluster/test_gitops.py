"""Argo CD's and Flux' own questions, asked of a real API server and of real statuses."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml
from cluster.kubectl import Cluster, Manifest, benchmark, scenario, wait_until
from unit.deploy import argocd, flux
from unit.deploy.rendering import EXAMPLES, MANIFESTS

pytestmark = pytest.mark.untimed

_API = "/apis/bench.kro.run/v1alpha1/namespaces/default"
_NEVER = "latency.instanceReady.max < 0.000001"


def path_of(manifest: Manifest) -> str:
    return f"{_API}/{manifest['kind'].lower()}s/{manifest['metadata']['name']}"


def dry_run(cluster: Cluster, manifest: Manifest, manager: str) -> Manifest:
    """Return what a server-side apply would make of the live object, as GitOps tools ask."""
    answer = cluster._http.patch(
        path_of(manifest),
        params={"fieldManager": manager, "force": "true", "dryRun": "All"},
        headers={"Content-Type": "application/apply-patch+yaml"},
        content=json.dumps(manifest),
    )
    assert answer.is_success, answer.text
    found: Manifest = answer.json()
    return found


def assert_in_sync(cluster: Cluster, manifest: Manifest) -> None:
    live = cluster.read(path_of(manifest))
    assert argocd.is_in_sync(manifest, live)
    predicted = dry_run(cluster, manifest, "argocd-controller")
    assert argocd.is_in_sync_by_server(live, predicted)
    assert not flux.has_drifted(live, dry_run(cluster, manifest, "kustomize-controller"))


def is_seen(cluster: Cluster, manifest: Manifest) -> bool:
    live = cluster.read(path_of(manifest))
    return bool(live["status"]["observedGeneration"] == live["metadata"]["generation"])


@pytest.fixture
def examples(cluster: Cluster) -> Iterator[list[Manifest]]:
    """All examples, which must not run here."""
    found: list[Manifest] = [
        manifest for path in EXAMPLES for manifest in yaml.safe_load_all(path.read_text())
    ]
    for manifest in found:
        manifest["spec"]["suspend"] = True
    yield found
    cluster.run("delete", "krobenchmarkschedules", "--all")


def test_examples_stay_as_they_were_applied(cluster: Cluster, examples: list[Manifest]) -> None:
    cluster.apply(*examples)
    for manifest in examples:
        wait_until(partial(is_seen, cluster, manifest), "the operator has seen it")
        assert_in_sync(cluster, manifest)
        live = cluster.read(path_of(manifest))
        assert (flux.kstatus(live), argocd.health(live)["status"]) == ("Current", "Suspended")
    changed = manifest | {"spec": manifest["spec"] | {"cleanup": "OnSuccess"}}
    live = cluster.read(path_of(manifest))
    assert not argocd.is_in_sync(changed, live)
    assert flux.has_drifted(live, dry_run(cluster, changed, "kustomize-controller"))


def test_tools_show_a_run_as_it_is(cluster: Cluster) -> None:
    misses = benchmark("misses", scenario("single", instances=1, thresholds=[_NEVER]))
    misses["metadata"]["annotations"] = {"bench.kro.run/gate": "true"}
    cluster.apply(misses)
    live = cluster.read(path_of(misses))
    assert flux.kstatus(live) == flux.health(live) == "InProgress", "though just applied"
    assert argocd.health(live)["status"] == "Progressing"
    cluster.wait("misses", "Finished")
    live = cluster.read(path_of(misses))
    assert (flux.kstatus(live), flux.health(live)) == ("Current", "Failed"), live["status"]
    assert argocd.health(live)["status"] == "Degraded"
    assert_in_sync(cluster, misses)


@pytest.fixture
def runner(cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of a pipeline's account."""
    place = "--namespace=benchmarks"
    rights = f"--filename={MANIFESTS / 'gitops' / 'gates' / 'runner.yaml'}"
    cluster.run("create", "namespace", "benchmarks")
    cluster.run("apply", rights)
    token = cluster.run("create", "token", "krobench-runner", place).stdout.strip()
    config = yaml.safe_load(Path(cluster.kubeconfig).read_text())
    for user in config["users"]:
        user["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    yield path
    cluster.run("delete", rights)
    cluster.run("delete", "namespace", "benchmarks")


def test_a_pipelines_account_runs_a_benchmark_and_may_do_little_else(
    cluster: Cluster, runner: Path, tmp_path: Path
) -> None:
    busy = {"ignore": ["GeneratorLate", "SamplesMissing", "APIServerBusy", "NodeBusy"]}
    missed = scenario("single", instances=1, thresholds=[_NEVER])
    manifest = benchmark("pipeline", missed, validity=busy)
    manifest["metadata"]["namespace"] = "benchmarks"
    file = tmp_path / "benchmark.yaml"
    file.write_text(yaml.safe_dump(manifest))
    command = [sys.executable, "-m", "krobench"]
    environment = os.environ | {"KUBECONFIG": str(runner)}
    for arguments in (["run", f"--file={file}", "--replace"], ["wait", "benchmarks/pipeline"]):
        done = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stderr
        assert done.stdout.startswith("Failed: benchmarks/pipeline")
    account = "--as=system:serviceaccount:benchmarks:krobench-runner"
    for arguments in (
        ["update", "krobenchmarks.bench.kro.run", "--namespace=benchmarks"],
        ["create", "krobenchmarks.bench.kro.run", "--namespace=default"],
        ["get", "secrets", "--namespace=benchmarks"],
        ["delete", "resourcegraphdefinitions.kro.run"],
        ["update", "deployments.apps", "--namespace=kro-system"],
    ):
        done = cluster.run("auth", "can-i", *arguments, account, check=False)
        assert done.stdout.strip() == "no", arguments
