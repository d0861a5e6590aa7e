"""The chart and the plain manifests install the same, and what they install is safe."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from krobench.analysis.thresholds import check_thresholds
from krobench.controller.settings import Settings
from krobench.job.preflight import Permission, _required, variant_permissions
from krobench.model.benchmark import KroBenchmarkSpec
from krobench.model.kinds import RunKind
from krobench.model.scaletest import KroScaleTestSpec
from krobench.workload.scaleplan import plan_step
from krobench.workload.scalesteps import sizes_of
from krobench.workload.scenarios import SCENARIOS, ScenarioSpec
from krobench.workload.testplan import TestPlan, plan_tests

ROOT = Path(__file__).parents[3]
CHART = ROOT / "helm" / "krobench"
MANIFESTS = ROOT / "manifests"
EXAMPLES = sorted((MANIFESTS / "examples").glob("*.yaml"))

Manifest = dict[str, Any]
Key = tuple[str, str]
Render = Callable[..., dict[Key, Manifest]]

_LABELS_OF_HELM = {
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
}
_ANNOTATIONS_OF_HELM = {"helm.sh/resource-policy"}
_ALL_GATES = (
    "kro.aggregation=true",
    "networkPolicy.enabled=true",
    "serviceMonitor.enabled=true",
    "variants.enabled=true",
)
_DIGEST = "sha256:" + "0" * 64


def find_tool(name: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "testbed", "tool", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        pytest.skip(f"there is no {name}, and it cannot be built here: {result.stderr[-500:]}")
    return result.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def helm() -> str:
    return find_tool("helm")


@pytest.fixture(scope="session")
def kubectl() -> str:
    return shutil.which("kubectl") or find_tool("kubectl")


def template(
    helm: str, *values: str, release: str = "krobench"
) -> subprocess.CompletedProcess[str]:
    command = [helm, "template", release, str(CHART), "--namespace", "krobench-system"]
    # Without a cluster helm would think of the Kubernetes that it was compiled for.
    command += ["--kube-version", "1.30.0"]
    command += [word for value in values for word in ("--set", value)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def render(helm: str) -> Render:
    def run(*values: str, release: str = "krobench") -> dict[Key, Manifest]:
        result = template(helm, *values, release=release)
        assert result.returncode == 0, result.stderr
        return by_key(result.stdout)

    return run


def kustomize(kubectl: str, directory: Path) -> dict[Key, Manifest]:
    command = [kubectl, "kustomize", str(directory)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return by_key(result.stdout)


def by_key(text: str) -> dict[Key, Manifest]:
    manifests = [entry for entry in yaml.safe_load_all(text) if entry]
    found = {(entry["kind"], entry["metadata"]["name"]): entry for entry in manifests}
    assert len(found) == len(manifests), "two objects have one name"
    return found


def installed(manifests: dict[Key, Manifest]) -> dict[Key, Manifest]:
    """Leave out what only one way of installing can make."""
    return {
        key: normal(entry)
        for key, entry in manifests.items()
        if key[0] != "Namespace" and "helm.sh/hook" not in entry["metadata"].get("annotations", {})
    }


def normal(node: Any) -> Any:
    if isinstance(node, list):
        return [normal(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for name, value in node.items():
        if name in ("labels", "matchLabels") and isinstance(value, dict):
            result[name] = {k: v for k, v in value.items() if k not in _LABELS_OF_HELM}
        elif name == "annotations" and isinstance(value, dict):
            kept = {k: v for k, v in value.items() if k not in _ANNOTATIONS_OF_HELM}
            if kept:
                result[name] = kept
        else:
            result[name] = normal(value)
    return result


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


def allows(rules: list[Manifest], permission: Permission) -> bool:
    return any(
        permission.group in rule.get("apiGroups", [])
        and permission.resource in rule["resources"]
        and permission.verb in rule["verbs"]
        for rule in rules
    )


def example_plans(path: Path) -> tuple[TestPlan, ...]:
    """Return the tests of an example; of a scale test, its smallest step."""
    example = yaml.safe_load(path.read_text())
    if example["kind"] == "KroScaleTest":
        spec = KroScaleTestSpec.model_validate(example["spec"])
        return (plan_step(spec, 0, sizes_of(spec.steps, spec.axis)[0]),)
    return plan_tests(KroBenchmarkSpec.model_validate(example["spec"]))


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
    assert settings.load_node_selector == {"pool": "load"}
    assert settings.load_tolerations == ({"key": "load", "operator": "Exists"},)
    assert settings.load_resources["limits"] == {"memory": "512Mi"}, "a CPU limit throttles"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("replicas=2", "replicas"),
        ("image.name=x", "name"),
        ("load.extraGroup=x", "extraGroup"),
        ("load.extraGroups={*}", "extraGroups"),
        ("load.resources.limit.cpu=1", "limit"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("crds.install=1", "install"),
    ],
)
def test_schema_refuses_what_the_chart_does_not_know(helm: str, value: str, named: str) -> None:
    result = template(helm, value)
    assert result.returncode != 0
    assert "values don't meet the specifications of the schema" in result.stderr
    assert named in result.stderr


def test_schema_knows_every_value_and_nothing_else() -> None:
    def check(values: Manifest, schema: Manifest, path: str) -> None:
        assert schema["additionalProperties"] is False, path
        known = schema["properties"].keys() - {"global"}
        assert values.keys() == known, path
        for name, value in values.items():
            if isinstance(value, dict) and "properties" in schema["properties"][name]:
                child = schema["properties"][name]
                if value:
                    check(value, child, f"{path}.{name}")

    values = yaml.safe_load((CHART / "values.yaml").read_text())
    check(values, json.loads((CHART / "values.schema.json").read_text()), "values")


def test_crds_can_be_left_out(render: Render) -> None:
    assert all(kind != "CustomResourceDefinition" for kind, _ in render("crds.install=false"))


@pytest.mark.parametrize(("keep", "policy"), [("true", "keep"), ("false", None)])
def test_crds_outlive_the_release_when_asked_to(
    render: Render, keep: str, policy: str | None
) -> None:
    manifests = render(f"crds.keep={keep}")
    for kind in RunKind:
        crd = manifests["CustomResourceDefinition", f"{kind.plural}.bench.kro.run"]
        assert crd["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == policy


def test_extra_groups_each_add_a_rule(render: Render) -> None:
    plain = render()["ClusterRole", "krobench-load"]["rules"]
    more = render("load.extraGroups={a.example.com,b.example.com}")
    rules = more["ClusterRole", "krobench-load"]["rules"]
    added = [rule for rule in rules if rule not in plain]
    [own] = [rule for rule in plain if rule.get("apiGroups") == ["load.bench.kro.run"]]
    assert added == [own | {"apiGroups": [group]} for group in ("a.example.com", "b.example.com")]


def test_load_role_allows_what_a_run_checks_before_it_starts(render: Render) -> None:
    rules = render()["ClusterRole", "krobench-load"]["rules"]
    for path in EXAMPLES:
        for permission in _required(example_plans(path)):
            assert allows(rules, permission), permission


def test_no_role_of_ours_allows_everything(render: Render) -> None:
    for key, entry in render(*_ALL_GATES).items():
        for rule in entry.get("rules") or []:
            assert "*" not in rule.get("apiGroups", []), key
            if "*" in rule.get("resources", []):
                assert rule["apiGroups"] == ["load.bench.kro.run"], key


def test_kro_gets_rights_only_when_asked_for(render: Render) -> None:
    assert ("ClusterRole", "krobench-kro") not in render()
    role = render("kro.aggregation=true")["ClusterRole", "krobench-kro"]
    plain = yaml.safe_load((MANIFESTS / "optional" / "kro-aggregation.yaml").read_text())
    assert normal(role) == normal(plain)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda spec: spec.scenario)
def test_kro_may_make_the_children_of_each_scenario(render: Render, scenario: ScenarioSpec) -> None:
    rules = render("kro.aggregation=true")["ClusterRole", "krobench-kro"]["rules"]
    blueprint = scenario.build("Outer")
    for parts in (blueprint.outer, *blueprint.inner.values()):
        for resource in parts.resources:
            template = resource["template"]
            group = template["apiVersion"].rpartition("/")[0]
            kind = template["kind"].lower()
            plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}es"
            names = {"*", f"{kind}s", plural}
            assert any(
                group in rule["apiGroups"]
                and names & set(rule["resources"])
                and rule["verbs"] == ["*"]
                for rule in rules
            ), template["kind"]


def test_load_jobs_read_only_the_secrets_that_are_named(render: Render) -> None:
    assert not any(kind == "Role" and "prometheus" in name for kind, name in render())
    values = ("load.prometheusSecrets[0].namespace=team", "load.prometheusSecrets[0].name=token")
    opened = render(*values)
    role = opened["Role", "krobench-load-prometheus-0"]
    assert role["metadata"]["namespace"] == "team"
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["token"], "verbs": ["get"]}
    ]
    binding = opened["RoleBinding", "krobench-load-prometheus-0"]
    assert binding["metadata"]["namespace"] == "team"
    assert [subject["name"] for subject in binding["subjects"]] == ["krobench-load"]


def test_kro_may_be_changed_only_when_asked_for(render: Render) -> None:
    key = ("Role", "krobench-variants")
    assert key not in render()
    manifests = render("variants.enabled=true")
    plain = by_key((MANIFESTS / "optional" / "variants.yaml").read_text())
    for each in (key, ("RoleBinding", "krobench-variants")):
        assert normal(manifests[each]) == normal(plain[each])
    for permission in variant_permissions("kro-system"):
        assert allows(manifests[key]["rules"], permission), permission
    elsewhere = render("variants.enabled=true", "variants.namespace=other")
    assert elsewhere[key]["metadata"]["namespace"] == "other"


def test_users_roles_extend_those_of_kubernetes(render: Render) -> None:
    def aggregated(manifests: dict[Key, Manifest], name: str) -> set[str]:
        labels = manifests["ClusterRole", name]["metadata"]["labels"]
        prefix = "rbac.authorization.k8s.io/aggregate-to-"
        return {label.removeprefix(prefix) for label in labels if label.startswith(prefix)}

    assert aggregated(render(), "krobench-view") == {"view"}
    # Whoever may create a KroBenchmark can have kro create whatever kro may.
    assert not aggregated(render(), "krobench-edit")
    opened = render("userRoles.aggregateEdit=true")
    assert aggregated(opened, "krobench-edit") == {"edit", "admin"}


def test_every_container_is_restricted(render: Render) -> None:
    found = list(pod_specs(render(*_ALL_GATES)))
    assert {kind for (kind, _), _ in found} == {"Deployment", "Pod"}
    for key, spec in found:
        assert spec["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
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
    opened = render(*_ALL_GATES)
    assert gated <= {kind for kind, _ in opened}
    policy = opened["NetworkPolicy", "krobench"]["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    assert [port["port"] for port in policy["ingress"][0]["ports"]] == ["metrics", "liveness"]


def test_two_releases_share_only_the_crds(render: Render) -> None:
    shared = render().keys() & render(release="perf").keys()
    crds = {("CustomResourceDefinition", f"{kind.plural}.bench.kro.run") for kind in RunKind}
    assert shared == crds


def test_labels_of_the_user_do_not_break_the_selector(render: Render) -> None:
    values = ("podLabels.team=x", r"podLabels.app\.kubernetes\.io/name=x")
    spec = render(*values)["Deployment", "krobench"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert labels["team"] == "x"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid(path: Path) -> None:
    example = yaml.safe_load(path.read_text())
    assert example["metadata"] == {"name": path.stem, "namespace": "default"}
    assert example_plans(path)
    if example["kind"] != "KroScaleTest":
        assert example["kind"] == "KroBenchmark"
        assert check_thresholds(KroBenchmarkSpec.model_validate(example["spec"])) == []


def test_first_command_of_the_notes_is_valid() -> None:
    notes = (CHART / "templates" / "NOTES.txt").read_text()
    [_, heredoc] = notes.split("<<EOF\n")
    [text, _] = heredoc.split("EOF\n")
    benchmark = yaml.safe_load(text)
    assert benchmark["kind"] == "KroBenchmark"
    KroBenchmarkSpec.model_validate(benchmark["spec"])
