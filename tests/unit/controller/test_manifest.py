import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.controller.world import SCALE_SPEC, SPEC

from krobench.api.kinds import RunKind
from krobench.controller.jobstatus import read_job
from krobench.controller.limits import Limits
from krobench.controller.manifest import job_manifest, job_name
from krobench.controller.runs import parse_run
from krobench.controller.settings import Settings, SettingsError
from krobench.controller.state import JobKind, Run

SETTINGS = Settings(namespace="krobench-system", image="registry/krobench:1")
UID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"


def benchmark(name: str = "bench", namespace: str = "default", **spec: Any) -> Run:
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": UID,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return parse_run(RunKind.BENCHMARK, {"metadata": metadata, "spec": SPEC | spec})


@given(st.from_regex(r"[a-z0-9]([-.a-z0-9]{0,50}[a-z0-9])?", fullmatch=True))
def test_names_of_jobs_are_dns_labels_and_always_the_same(name: str) -> None:
    for kind in JobKind:
        result = job_name(benchmark(name), kind)
        assert len(result) <= 63
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", result)
        assert result == job_name(benchmark(name), kind)


def test_a_job_never_repeats_its_pod_and_ends_by_itself() -> None:
    spec = job_manifest(benchmark(), JobKind.LOAD, 1, SETTINGS)["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["activeDeadlineSeconds"] > 4 * 600
    assert spec["ttlSecondsAfterFinished"] > 0


def test_a_job_satisfies_the_restricted_pod_security_standard() -> None:
    pod = job_manifest(benchmark(), JobKind.CLEANUP, 1, SETTINGS)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_cleanup_learns_where_the_lease_of_the_run_is() -> None:
    run = benchmark(target={"namespace": "kro-two"})
    pod = job_manifest(run, JobKind.CLEANUP, 1, SETTINGS)["spec"]["template"]["spec"]
    assert "--kro-namespace=kro-two" in pod["containers"][0]["args"]


def test_an_owner_is_named_only_where_it_is_in_the_same_namespace() -> None:
    apart = job_manifest(benchmark(), JobKind.LOAD, 1, SETTINGS)
    beside = job_manifest(benchmark(namespace="krobench-system"), JobKind.LOAD, 1, SETTINGS)
    assert "ownerReferences" not in apart["metadata"]
    assert beside["metadata"]["ownerReferences"][0]["uid"] == UID


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="KROBENCH_IMAGE"):
        Settings.from_environment({"KROBENCH_NAMESPACE": "n"})


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_a_cap_that_is_no_number_above_zero_is_named(text: str) -> None:
    environment = {
        "KROBENCH_NAMESPACE": "n",
        "KROBENCH_IMAGE": "i",
        "KROBENCH_LOAD_MAX_OBJECTS": text,
    }
    with pytest.raises(SettingsError, match="KROBENCH_LOAD_MAX_OBJECTS"):
        Settings.from_environment(environment)


def test_the_operators_cap_refuses_a_spec_and_is_handed_to_the_job() -> None:
    metadata = {
        "name": "bench",
        "namespace": "default",
        "uid": UID,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    [error] = parse_run(
        RunKind.BENCHMARK, {"metadata": metadata, "spec": SPEC}, max_objects=3
    ).errors
    assert error.reason == "TooManyObjects"
    limits = Limits(result_bytes=5_000_000)
    settings = Settings(namespace="n", image="i", load_max_objects=3, limits=limits)
    pod = job_manifest(benchmark(), JobKind.LOAD, 1, settings)["spec"]["template"]["spec"]
    assert "--max-objects=3" in pod["containers"][0]["args"]
    assert "--result-bytes=5000000" in pod["containers"][0]["args"]


def test_a_setting_that_is_no_json_is_named() -> None:
    environment = {
        "KROBENCH_NAMESPACE": "n",
        "KROBENCH_IMAGE": "i",
        "KROBENCH_LOAD_POD": "{",
    }
    with pytest.raises(SettingsError, match="KROBENCH_LOAD_POD"):
        Settings.from_environment(environment)


def scale_test(**changes: Any) -> Run:
    metadata = {
        "name": "scale",
        "namespace": "default",
        "uid": UID,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return parse_run(RunKind.SCALE_TEST, {"metadata": metadata, "spec": SCALE_SPEC | changes})


def test_a_job_says_of_which_kind_and_run_it_is() -> None:
    run = scale_test()
    manifest = job_manifest(run, JobKind.LOAD, 1, SETTINGS)
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    assert "--kind=KroScaleTest" in container["args"]
    manifest["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    job = read_job(manifest)
    assert job is not None
    assert job.run == run.ref
    assert read_job({"metadata": {}}) is None


def test_a_scale_test_may_take_its_budget_and_ends_by_itself() -> None:
    budget = {"duration": "2h"}
    spec = job_manifest(scale_test(budget=budget), JobKind.LOAD, 1, SETTINGS)["spec"]
    assert spec["activeDeadlineSeconds"] > 2 * 3600 + 600


def sharded(shards: int) -> Run:
    workload = {"scenario": "single", "instances": 9}
    spec = {"tests": [{"name": "a", "workload": workload, "load": {"shards": shards}}]}
    metadata = {
        "name": "bench",
        "namespace": "default",
        "uid": UID,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return parse_run(RunKind.BENCHMARK, {"metadata": metadata, "spec": spec})


def test_shards_make_an_indexed_job_that_outlives_the_loss_of_one() -> None:
    plain = job_manifest(sharded(1), JobKind.LOAD, 1, SETTINGS)["spec"]
    assert "completionMode" not in plain
    spec = job_manifest(sharded(3), JobKind.LOAD, 1, SETTINGS)["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 3, 3)
    assert spec["backoffLimitPerIndex"] == 0
    assert spec["successPolicy"] == {"rules": [{"succeededIndexes": "0"}]}
    cleanup = job_manifest(sharded(3), JobKind.CLEANUP, 1, SETTINGS)["spec"]
    assert "completionMode" not in cleanup


@pytest.mark.parametrize(
    ("pod", "field"),
    [
        ('{"affinty": {}}', "KROBENCH_LOAD_POD.affinty"),
        ('{"nodeSelector": {"pool": 1}}', "KROBENCH_LOAD_POD.nodeSelector.pool"),
        ('{"env": [{"value": "x"}]}', r"KROBENCH_LOAD_POD.env\[0\].name"),
    ],
)
def test_a_field_of_load_pods_that_is_none_is_named(pod: str, field: str) -> None:
    environment = {"KROBENCH_NAMESPACE": "n", "KROBENCH_IMAGE": "i", "KROBENCH_LOAD_POD": pod}
    with pytest.raises(SettingsError, match=field):
        Settings.from_environment(environment)


def test_a_job_without_settings_of_its_pods_names_no_user() -> None:
    pod = job_manifest(benchmark(), JobKind.LOAD, 1, SETTINGS)["spec"]["template"]["spec"]
    assert "runAsUser" not in pod["securityContext"]
    assert not {"affinity", "tolerations", "nodeSelector"} & pod.keys()
