"""The chart and the plain manifests install the same, and what they install is safe."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from unit.deploy.rendering import (
    ALL_GATES,
    MANIFESTS,
    ROOT,
    Key,
    Manifest,
    Render,
    installed,
    kustomize,
)

from krobench.api.kinds import KINDS, RunKind
from krobench.api.storage import CREDENTIALS, STORAGE_VARIABLE, VOLUME_PATH, Storage
from krobench.controller.manifest import job_manifest
from krobench.controller.runs import parse_run
from krobench.controller.settings import Settings
from krobench.controller.state import JobKind

_DIGEST = "sha256:" + "0" * 64


def pod_specs(manifests: dict[Key, Manifest]) -> Iterator[tuple[Key, Manifest]]:
    for key, entry in manifests.items():
        if entry["kind"] == "Pod":
            yield key, entry["spec"]
        elif "template" in entry.get("spec", {}):
            yield key, entry["spec"]["template"]["spec"]


def operator_container(manifests: dict[Key, Manifest], name: str = "krobench") -> Manifest:
    deployment = manifests["Deployment", name]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def environment(container: Manifest) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "from-the-pod") for entry in container["env"]}


def test_chart_and_manifests_install_the_same(render: Render, kubectl: str) -> None:
    from_chart, from_manifests = installed(render()), installed(kustomize(kubectl, MANIFESTS))
    assert from_chart.keys() == from_manifests.keys()
    for key, entry in from_chart.items():
        assert entry == from_manifests[key], key


def test_namespace_of_the_manifests_enforces_restricted_pods(kubectl: str) -> None:
    namespace = kustomize(kubectl, MANIFESTS)["Namespace", "krobench-system"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_jobs_follow_an_image_that_kustomize_sets(kubectl: str, tmp_path: Path) -> None:
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    shutil.copytree(ROOT / "crds", tmp_path / "crds")
    file = tmp_path / "manifests" / "kustomization.yaml"
    settings = yaml.safe_load(file.read_text())
    settings["images"] = [
        {"name": "ghcr.io/krobench/krobench", "newName": "example.com/own", "newTag": "7"}
    ]
    file.write_text(yaml.safe_dump(settings))
    container = operator_container(kustomize(kubectl, file.parent))
    assert container["image"] == "example.com/own:7"
    assert environment(container)["KROBENCH_IMAGE"] == "example.com/own:7"
    assert environment(container)["KROBENCH_IMAGE_PULL_POLICY"] == "IfNotPresent"


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ((), "ghcr.io/krobench/krobench:0.1.0"),
        (("image.tag=20260131",), "ghcr.io/krobench/krobench:20260131"),
        (("image.tag=7", f"image.digest={_DIGEST}"), f"ghcr.io/krobench/krobench@{_DIGEST}"),
    ],
)
def test_operator_jobs_and_helm_test_run_one_image(
    render: Render, values: tuple[str, ...], image: str
) -> None:
    manifests = render(*values)
    images = {c["image"] for _, spec in pod_specs(manifests) for c in spec["containers"]}
    assert images == {image}
    assert environment(operator_container(manifests))["KROBENCH_IMAGE"] == image


def test_operator_understands_its_environment(render: Render) -> None:
    values = (
        "load.nodeSelector.pool=load",
        "load.tolerations[0].key=load",
        "load.tolerations[0].operator=Exists",
    )
    container = operator_container(render(*values, release="perf"), "perf-krobench")
    settings = Settings.from_environment(environment(container))
    assert settings.load_service_account == "perf-krobench-load"
    assert settings.load_max_objects == 50_000
    assert settings.access.urls == []
    pod = settings.load_pod
    assert pod.node_selector == {"pool": "load"}
    assert pod.tolerations == [{"key": "load", "operator": "Exists"}]
    assert pod.resources["limits"] == {"memory": "512Mi"}, "a CPU limit throttles"


def load_job(render: Render, *values: str) -> Manifest:
    """Return the Job that an operator of the chart creates."""
    settings = Settings.from_environment(environment(operator_container(render(*values))))
    metadata = {
        "name": "run",
        "namespace": "default",
        "uid": "0a1b2c3d-4e5f-6789-abcd-ef0123456789",
    }
    metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
    spec = {"tests": [{"name": "single", "workload": {"scenario": "single"}}]}
    run = parse_run(RunKind.BENCHMARK, {"metadata": metadata, "spec": spec})
    return job_manifest(run, JobKind.LOAD, 1, settings)


def test_load_pods_keep_out_of_the_way_of_meshes_autoscalers_and_kro(render: Render) -> None:
    template = load_job(render)["spec"]["template"]
    labels, annotations = template["metadata"]["labels"], template["metadata"]["annotations"]
    assert labels["sidecar.istio.io/inject"] == "false"
    assert annotations["sidecar.istio.io/inject"] == "false"
    assert annotations["linkerd.io/inject"] == "disabled"
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert annotations["karpenter.sh/do-not-disrupt"] == "true"
    affinity = template["spec"]["affinity"]["podAntiAffinity"]
    [soft] = affinity.pop("preferredDuringSchedulingIgnoredDuringExecution")
    assert not affinity, "it must not keep a load from running on the only node"
    wanted = {"matchLabels": {"app.kubernetes.io/name": "kro"}}
    assert soft["podAffinityTerm"]["labelSelector"] == wanted


def test_values_reach_the_pods_of_load_jobs(render: Render) -> None:
    job = load_job(
        render,
        r"load.podLabels.example\.org/team=bench",
        r"load.podLabels.app\.kubernetes\.io/name=other",
        r"load.podAnnotations.example\.org/note=a",
        "load.priorityClassName=high",
        "load.affinity.podAntiAffinity=null",
        "load.topologySpreadConstraints[0].maxSkew=1",
        "load.topologySpreadConstraints[0].topologyKey=zone",
        "load.topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule",
        "load.env[0].name=HTTPS_PROXY",
        "load.env[0].value=http://proxy",
        "podSecurityContext.runAsUser=1234",
    )
    for metadata in (job["metadata"], job["spec"]["template"]["metadata"]):
        assert metadata["labels"]["example.org/team"] == "bench"
        assert metadata["labels"]["app.kubernetes.io/name"] == "krobench-load", "krobench's own win"
        assert metadata["annotations"]["example.org/note"] == "a"
    spec = job["spec"]["template"]["spec"]
    assert spec["priorityClassName"] == "high"
    assert "affinity" not in spec
    assert [each["topologyKey"] for each in spec["topologySpreadConstraints"]] == ["zone"]
    assert {"name": "HTTPS_PROXY", "value": "http://proxy"} in spec["containers"][0]["env"]
    assert spec["securityContext"]["runAsUser"] == 1234
    assert spec["securityContext"]["runAsNonRoot"] is True


def test_load_jobs_alone_get_the_keys_of_a_bucket(render: Render) -> None:
    values = (
        "results.storage.type=S3",
        "results.storage.s3.bucket=benchmarks",
        "results.storage.s3.endpoint=https://s3.example.com",
        "results.storage.s3.secretName=writer",
    )
    [container] = load_job(render, *values)["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each for each in container["env"]}
    storage = Storage.from_environment({STORAGE_VARIABLE: env[STORAGE_VARIABLE]["value"]})
    assert str(storage.s3) == "s3://benchmarks/krobench at https://s3.example.com"
    for name in CREDENTIALS:
        reference = {"name": "writer", "key": name, "optional": True}
        assert env[name]["valueFrom"] == {"secretKeyRef": reference}
    assert not set(CREDENTIALS) & {
        each["name"] for each in operator_container(render(*values))["env"]
    }


def test_load_jobs_mount_the_volume_of_results(render: Render) -> None:
    spec = load_job(
        render,
        "results.storage.type=PersistentVolumeClaim",
        "results.storage.persistentVolumeClaim.claimName=results",
        "podSecurityContext.fsGroup=65532",
    )["spec"]["template"]["spec"]
    assert {"name": "results", "persistentVolumeClaim": {"claimName": "results"}} in spec["volumes"]
    mounts = spec["containers"][0]["volumeMounts"]
    assert {"name": "results", "mountPath": VOLUME_PATH} in mounts


def test_values_reach_the_pod_of_the_operator(render: Render) -> None:
    values = (
        "priorityClassName=high",
        "affinity.nodeAffinity.a=b",
        "topologySpreadConstraints[0].maxSkew=1",
        "topologySpreadConstraints[0].topologyKey=zone",
        "topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule",
        "env[0].name=HTTPS_PROXY",
        "env[0].value=http://proxy",
    )
    manifests = render(*values)
    spec = manifests["Deployment", "krobench"]["spec"]["template"]["spec"]
    assert spec["priorityClassName"] == "high"
    assert spec["affinity"] == {"nodeAffinity": {"a": "b"}}
    assert [each["topologyKey"] for each in spec["topologySpreadConstraints"]] == ["zone"]
    assert environment(operator_container(manifests))["HTTPS_PROXY"] == "http://proxy"


def test_crds_can_be_left_out(render: Render) -> None:
    assert all(kind != "CustomResourceDefinition" for kind, _ in render("crds.install=false"))


@pytest.mark.parametrize(("keep", "policy"), [("true", "keep"), ("false", None)])
def test_crds_outlive_the_release_when_asked_to(
    render: Render, keep: str, policy: str | None
) -> None:
    manifests = render(f"crds.keep={keep}")
    for kind in KINDS:
        crd = manifests["CustomResourceDefinition", f"{kind.plural}.bench.kro.run"]
        assert crd["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == policy


def test_every_container_is_restricted(render: Render) -> None:
    found = list(pod_specs(render(*ALL_GATES)))
    assert {kind for (kind, _), _ in found} == {"Deployment", "Job", "Pod"}
    for key, spec in found:
        # No user: OpenShift assigns one of its own.
        assert spec["securityContext"] == {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }, key
        assert {"name": "tmp", "emptyDir": {}} in spec["volumes"], key
        for container in spec["containers"] + spec.get("initContainers", []):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, key
            assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"], key


def test_gates_are_off_by_default_and_can_be_opened(render: Render) -> None:
    gated = {"ServiceMonitor", "Service", "NetworkPolicy"}
    assert not gated & {kind for kind, _ in render()}
    opened = render(*ALL_GATES)
    assert gated <= {kind for kind, _ in opened}
    policy = opened["NetworkPolicy", "krobench"]["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    assert [port["port"] for port in policy["ingress"][0]["ports"]] == ["metrics", "liveness"]


def test_two_releases_share_only_the_crds(render: Render) -> None:
    shared = render().keys() & render(release="perf").keys()
    crds = {("CustomResourceDefinition", f"{kind.plural}.bench.kro.run") for kind in KINDS}
    assert shared == crds


def test_labels_of_the_user_do_not_break_the_selector(render: Render) -> None:
    values = ("podLabels.team=x", r"podLabels.app\.kubernetes\.io/name=x")
    spec = render(*values)["Deployment", "krobench"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert labels["team"] == "x"


def test_common_labels_are_on_every_object_and_pod(render: Render) -> None:
    manifests = render(*ALL_GATES, r"commonLabels.example\.org/team=bench")
    deployment = manifests["Deployment", "krobench"]
    job = load_job(render, r"commonLabels.example\.org/team=bench")
    templates = [deployment["spec"]["template"], job["spec"]["template"], job]
    for entry in [*manifests.values(), *templates]:
        assert entry["metadata"]["labels"]["example.org/team"] == "bench", entry["metadata"]
    assert "example.org/team" not in deployment["spec"]["selector"]["matchLabels"]


def test_service_accounts_have_annotations_of_their_own(render: Render) -> None:
    manifests = render("serviceAccount.annotations.a=b", "load.serviceAccount.annotations.c=d")
    assert manifests["ServiceAccount", "krobench"]["metadata"]["annotations"] == {"a": "b"}
    assert manifests["ServiceAccount", "krobench-load"]["metadata"]["annotations"] == {"c": "d"}


def test_logs_of_operator_and_jobs_can_be_json(render: Render) -> None:
    wanted = {"name": "KROBENCH_LOG_FORMAT", "value": "json"}
    assert wanted in operator_container(render("logs.format=json"))["env"]
    [container] = load_job(render, "logs.format=json")["spec"]["template"]["spec"]["containers"]
    assert wanted in container["env"]


def test_load_has_a_priority_level_of_its_own_when_asked_to(render: Render) -> None:
    assert not {"FlowSchema", "PriorityLevelConfiguration"} & {kind for kind, _ in render()}
    manifests = render("flowControl.enabled=true", "flowControl.nominalConcurrencyShares=7")
    level = manifests["PriorityLevelConfiguration", "krobench-load"]
    assert level["spec"]["limited"]["nominalConcurrencyShares"] == 7
    schema = manifests["FlowSchema", "krobench-load"]["spec"]
    assert schema["priorityLevelConfiguration"]["name"] == "krobench-load"
    [rule] = schema["rules"]
    [subject] = rule["subjects"]
    assert subject["serviceAccount"] == {"namespace": "krobench-system", "name": "krobench-load"}


def test_outgoing_connections_are_restricted_when_rules_are_given(render: Render) -> None:
    rule = ("networkPolicy.egress[0].ports[0].port=443", "networkPolicy.enabled=true")
    for name in ("krobench", "krobench-load"):
        open_policy = render("networkPolicy.enabled=true")["NetworkPolicy", name]["spec"]
        assert open_policy["policyTypes"] == ["Ingress"]
        policy = render(*rule)["NetworkPolicy", name]["spec"]
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        assert policy["egress"] == [{"ports": [{"port": 443}]}]
