"""What the load Jobs' account, creators and readers of runs may do, asked of a real API server."""

import json
from collections.abc import Iterator

import pytest
import yaml
from cluster.kubectl import Cluster, Manifest, benchmark, scenario

pytestmark = pytest.mark.untimed

LOAD = "--as=system:serviceaccount:krobench-system:krobench-load"
EVE = "eve"
KRO_ROLE = ("role", "test-kro", "--namespace=kro-system")


@pytest.fixture(scope="module")
def others(cluster: Cluster) -> Iterator[None]:
    """A namespace, a ConfigMap, a CRD and an RGD that belong to no run."""
    schema = {"openAPIV3Schema": {"type": "object"}}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    cluster.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bystander"}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "theirs", "namespace": "bystander"},
            "data": {"a": "b"},
        },
        crd,
    )
    yield
    cluster.run("delete", "namespace/bystander", "crd/things.example.org", "--wait=false")


@pytest.mark.parametrize(
    "arguments",
    [
        ("delete", "namespace", "kro-system", "--dry-run=server"),
        ("delete", "namespace", "bystander"),
        ("delete", "configmap", "theirs", "--namespace=bystander"),
        ("patch", "configmap", "theirs", "--namespace=bystander", '--patch={"data": {"a": "c"}}'),
        ("label", "configmap", "theirs", "--namespace=bystander", "bench.kro.run/run=mine"),
        ("create", "configmap", "new", "--namespace=bystander"),
        ("create", "namespace", "new"),
        ("delete", "crd", "things.example.org"),
    ],
    ids=" ".join,
)
def test_the_load_account_changes_nothing_that_is_not_a_runs(
    cluster: Cluster, others: None, arguments: tuple[str, ...]
) -> None:
    done = cluster.run(LOAD, *arguments, check=False)
    assert done.returncode != 0
    assert "ValidatingAdmissionPolicy 'krobench-load'" in done.stderr


def test_the_load_account_cannot_delete_the_systems_namespace(cluster: Cluster) -> None:
    done = cluster.run(LOAD, "delete", "namespace", "kube-system", "--dry-run=server", check=False)
    assert "(Forbidden)" in done.stderr  # by Kubernetes itself, and then by the policy


@pytest.mark.parametrize(
    "arguments",
    [
        ("get", "nodes", "--subresource=proxy"),
        ("get", "pods", "--subresource=proxy", "--namespace=kube-system"),
        ("list", "pods", "--namespace=default"),
        ("create", "pods", "--subresource=exec", "--namespace=kro-system"),
        ("get", "secrets", "--namespace=kro-system"),
        ("create", "leases.coordination.k8s.io", "--namespace=default"),
    ],
    ids=" ".join,
)
def test_the_load_account_has_no_right_to(cluster: Cluster, arguments: tuple[str, ...]) -> None:
    done = cluster.run("auth", "can-i", *arguments, LOAD, check=False)
    assert done.stdout.strip() == "no"


def grant(cluster: Cluster, name: str, namespace: str | None, *rules: Manifest) -> None:
    """Give Eve a role of this name."""
    kind = "Role" if namespace else "ClusterRole"
    place = {"namespace": namespace} if namespace else {}
    api = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": EVE}
    metadata = {"name": name, "labels": {"test": "rights"}} | place
    cluster.apply(
        api | {"kind": kind, "metadata": metadata, "rules": list(rules)},
        api
        | {
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": reference,
            "subjects": [subject],
        },
    )


RUNS = {
    "apiGroups": ["bench.kro.run"],
    "resources": ["krobenchmarks", "kroscaletests", "krobenchmarkschedules"],
    "verbs": ["get", "create", "patch"],
}
RGDS = {"apiGroups": ["kro.run"], "resources": ["resourcegraphdefinitions"], "verbs": ["create"]}
READS_KRO = (
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
)


@pytest.fixture
def eve(cluster: Cluster) -> Iterator[None]:
    """A user who may create runs, and nothing else yet."""
    grant(cluster, "test-runs", None, RUNS)
    yield
    chosen = "--selector=test=rights"
    cluster.run("delete", "clusterroles,clusterrolebindings", chosen)
    cluster.run("delete", "roles,rolebindings", chosen, "--namespace=kro-system")


def creation(cluster: Cluster, manifest: Manifest) -> str:
    """Create a run as Eve, without keeping it; return what the API server says against it."""
    arguments = ("create", f"--as={EVE}", "--dry-run=server", "--filename=-")
    done = cluster.run(*arguments, stdin=yaml.safe_dump(manifest), check=False)
    return "" if done.returncode == 0 else done.stderr


def test_a_creator_needs_the_rights_that_a_run_uses(cluster: Cluster, eve: None) -> None:
    plain = benchmark("eves", scenario("a"))
    template = {"benchmarkTemplate": {"spec": plain["spec"]}}
    scheduled = plain | {"kind": "KroBenchmarkSchedule", "spec": {"runOnce": "a"} | template}
    varied = benchmark("eves", scenario("a"), variants=[{"name": "one"}, {"name": "two"}])
    restarted = benchmark("eves", {"name": "a", "workload": {"cel": {"restarts": 1}}})
    for manifest in (plain, scheduled):
        assert "may not create them" in creation(cluster, manifest)

    grant(cluster, "test-rgds", None, RGDS)
    assert "reads kro's pods" in creation(cluster, plain)

    grant(cluster, "test-kro", "kro-system", *READS_KRO)
    for manifest in (plain, scheduled):
        assert creation(cluster, manifest) == ""
    for manifest in (varied, restarted):
        assert "change kro in namespace kro-system" in creation(cluster, manifest)

    updates = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["update"]}
    grant(cluster, "test-kro", "kro-system", *READS_KRO, updates)
    for manifest in (varied, restarted):
        assert creation(cluster, manifest) == ""


def test_a_creator_needs_the_rights_on_prerequisites(cluster: Cluster, eve: None) -> None:
    def needing(kind: str, **test: object) -> Manifest:
        settings = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "needed"}}
        workload = {"scenario": "single", "instances": 5, "prerequisites": [settings]}
        return benchmark("eves", {"name": "a", "workload": workload} | test)

    grant(cluster, "test-rgds", None, RGDS)
    grant(cluster, "test-kro", "kro-system", *READS_KRO)
    assert "load.prerequisiteKinds" in creation(cluster, needing("Secret"))
    assert "may not: ask for the right to create configmaps" in creation(
        cluster, needing("ConfigMap")
    )
    creates = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}
    grant(cluster, "test-settings", "default", creates)
    assert creation(cluster, needing("ConfigMap")) == ""
    assert "or in all" in creation(cluster, needing("ConfigMap", namespace="kube-system"))
    grant(cluster, "test-settings", None, creates)
    assert creation(cluster, needing("ConfigMap", namespace="kube-system")) == ""
    assert "create namespaces" in creation(cluster, needing("Namespace"))
    cluster.run("delete", "roles,rolebindings", "--selector=test=rights", "--namespace=default")


def test_an_edit_of_the_spec_counts_as_a_creation(cluster: Cluster, eve: None) -> None:
    # It has not run yet, so its spec may still change.
    cluster.apply(benchmark("edited", scenario("a"), suspend=True))
    for patch, refused in (
        ({"metadata": {"annotations": {"a": "b"}}}, False),
        ({"spec": {"target": {"metricsPort": 1}}}, True),
    ):
        arguments = ("patch", "krobenchmark", "edited", "--type=merge", "--dry-run=server")
        done = cluster.run(*arguments, f"--as={EVE}", f"--patch={json.dumps(patch)}", check=False)
        assert ("may not create them" in done.stderr) is refused, done.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": {"namespace": "kube-system"}}, "namespace kro-system only"),
        ({"collect": {"etcd": {"url": "http://169.254.169.254/latest"}}}, "not allowed"),
        ({"collect": {"etcd": {"url": "http://10.87.0.1:2381.example.org/"}}}, "not allowed"),
        ({"webhook": {"url": "http://169.254.169.254/latest"}}, "not allowed"),
    ],
)
def test_what_the_administrator_does_not_list_is_refused(
    cluster: Cluster, changes: Manifest, words: str
) -> None:
    refusal = cluster.refusal(benchmark("outside", scenario("a"), **changes))
    assert "ValidatingAdmissionPolicy 'krobench-creators'" in refusal
    assert words in refusal


def test_a_target_of_a_test_counts_too(cluster: Cluster) -> None:
    test = scenario("a", target={"namespace": "default"})
    assert "namespace kro-system only" in cluster.refusal(benchmark("outside", test))
