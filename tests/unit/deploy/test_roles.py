"""Each role allows what is needed, and no more."""

import pytest
import yaml
from unit.deploy.rendering import (
    ALL_GATES,
    EXAMPLES,
    MANIFESTS,
    Key,
    Manifest,
    Render,
    by_key,
    example_plans,
    normal,
    template,
)

from krobench.api.common import RUN_LABEL
from krobench.api.kinds import RunKind, RunRef, object_prefix
from krobench.controller.leadership import LEASE_NAME as OPERATOR_LEASE
from krobench.loadjob.lease import LEASE_NAME
from krobench.loadjob.permissions import (
    Permission,
    needs_of_restarts,
    needs_of_tests,
    needs_of_variants,
)
from krobench.record.history import KEPT_RUN_LABEL
from krobench.workload.blueprint import ScenarioSpec
from krobench.workload.scenarios import SCENARIOS


def allows(rules: list[Manifest], permission: Permission) -> bool:
    return any(
        permission.group in rule.get("apiGroups", [])
        and permission.resource in rule["resources"]
        and permission.name in rule.get("resourceNames", [permission.name])
        and permission.verb in rule["verbs"]
        for rule in rules
    )


def test_extra_groups_each_add_a_rule(render: Render) -> None:
    plain = render()["ClusterRole", "krobench-load"]["rules"]
    more = render("load.extraGroups={a.example.com,b.example.com}")
    rules = more["ClusterRole", "krobench-load"]["rules"]
    added = [rule for rule in rules if rule not in plain]
    [own] = [rule for rule in plain if rule.get("apiGroups") == ["load.bench.kro.run"]]
    assert added == [own | {"apiGroups": [group]} for group in ("a.example.com", "b.example.com")]


def test_kinds_of_prerequisites_each_add_a_rule_and_are_guarded_by_both_policies(
    render: Render,
) -> None:
    entry = "load.prerequisiteKinds[0]"
    jobs = [f"{entry}.apiGroup=batch", f"{entry}.resource=jobs", f"{entry}.kind=Job"]
    plain, more = render(), render(*jobs)
    before = plain["ClusterRole", "krobench-load"]["rules"]
    [added] = [r for r in more["ClusterRole", "krobench-load"]["rules"] if r not in before]
    assert added["resources"] == ["jobs"]
    assert set(added["verbs"]) == {"get", "list", "create", "delete"}

    guard = more["ValidatingAdmissionPolicy", "krobench-load"]["spec"]["matchConstraints"]
    assert any(rule["resources"] == ["jobs"] for rule in guard["resourceRules"])
    creators = more["ValidatingAdmissionPolicy", "krobench-creators"]["spec"]["validations"]
    assert any(
        "'batch/Job' in kinds" in each["expression"]
        and "authorizer.group('batch').resource('jobs').check('create')" in each["expression"]
        for each in creators
    )


def test_load_jobs_create_crds_only_if_asked_for(render: Render) -> None:
    create = Permission("create", "customresourcedefinitions", "apiextensions.k8s.io")
    role = ("ClusterRole", "krobench-load")
    assert not allows(render()[role]["rules"], create)
    assert allows(render("load.ballast=true")[role]["rules"], create)
    assert allows(render("load.cloud=true")[role]["rules"], create)


def test_load_jobs_write_nothing_of_simulated_resources_but_their_status(render: Render) -> None:
    role, group = ("ClusterRole", "krobench-load"), "cloud.bench.kro.run"
    assert not [r for r in render()[role]["rules"] if r.get("apiGroups") == [group]]
    rules = render("load.cloud=true")[role]["rules"]
    [read, write] = [rule for rule in rules if rule.get("apiGroups") == [group]]
    assert (read["resources"], set(read["verbs"])) == (["*"], {"list", "watch"})
    assert (write["resources"], write["verbs"]) == (["*/status"], ["patch"])


def test_load_roles_allow_what_a_run_checks_before_it_starts(render: Render) -> None:
    manifests = render()
    everywhere = manifests["ClusterRole", "krobench-load"]["rules"]
    at_kro = manifests["Role", "krobench-load"]["rules"]
    run = RunRef(RunKind.BENCHMARK, "default", "quick", "u-1")
    for path in EXAMPLES:
        for need in needs_of_tests(run, example_plans(path)):
            of_kro = need.permission.namespace == "kro-system"
            assert allows(at_kro if of_kro else everywhere, need.permission), need


def test_load_jobs_may_read_pods_only_at_kro_and_in_the_control_plane(render: Render) -> None:
    manifests = render("kro.namespaces={kro-a}")
    assert manifests["Role", "krobench-load"]["metadata"]["namespace"] == "kro-a"
    for rule in manifests["ClusterRole", "krobench-load"]["rules"]:
        resources = rule.get("resources", [])
        assert not {"pods", "pods/proxy", "nodes/proxy", "leases"} & set(resources)


def test_no_role_of_ours_allows_everything(render: Render) -> None:
    for key, entry in render(*ALL_GATES).items():
        for rule in entry.get("rules") or []:
            assert "*" not in rule.get("apiGroups", []), key
            if "*" in rule.get("resources", []):
                ours = (["load.bench.kro.run"], ["cloud.bench.kro.run"])
                assert rule["apiGroups"] in ours, key


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


def test_the_operator_reads_only_the_secrets_of_webhooks_that_are_named(render: Render) -> None:
    assert not any(kind == "Role" and "webhook" in name for kind, name in render())
    values = ("webhooks.secrets[0].namespace=team", "webhooks.secrets[0].name=hook")
    opened = render(*values)
    role = opened["Role", "krobench-webhook-0"]
    assert role["metadata"]["namespace"] == "team"
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["hook"], "verbs": ["get"]}
    ]
    binding = opened["RoleBinding", "krobench-webhook-0"]
    [subject] = binding["subjects"]
    account = opened["Deployment", "krobench"]["spec"]["template"]["spec"]["serviceAccountName"]
    assert subject["name"] == account


def test_kro_may_be_changed_only_when_asked_for(render: Render) -> None:
    key = ("Role", "krobench-variants")
    assert key not in render()
    manifests = render("variants.enabled=true")
    plain = by_key((MANIFESTS / "optional" / "variants.yaml").read_text())
    for each in (key, ("RoleBinding", "krobench-variants")):
        assert normal(manifests[each]) == normal(plain[each])
    for need in (*needs_of_variants("kro-system"), *needs_of_restarts("kro-system")):
        assert allows(manifests[key]["rules"], need.permission), need
    elsewhere = render("variants.enabled=true", "variants.namespace=other")
    assert elsewhere[key]["metadata"]["namespace"] == "other"


def test_users_roles_extend_those_of_kubernetes(render: Render) -> None:
    def aggregated(manifests: dict[Key, Manifest], name: str) -> set[str]:
        labels = manifests["ClusterRole", name]["metadata"]["labels"]
        prefix = "rbac.authorization.k8s.io/aggregate-to-"
        return {label.removeprefix(prefix) for label in labels if label.startswith(prefix)}

    assert aggregated(render(), "krobench-view") == {"view"}
    assert aggregated(render(), "krobench-edit") == {"edit", "admin"}
    # Without the policy, anyone who can create a run can have kro create whatever kro may.
    unchecked = render("policies.enabled=false")
    assert not aggregated(unchecked, "krobench-edit")
    opened = render("policies.enabled=false", "userRoles.aggregateEdit=true")
    assert aggregated(opened, "krobench-edit") == {"edit", "admin"}


@pytest.mark.parametrize("name", ["krobench-view", "krobench-edit"])
def test_users_may_read_runs_and_their_results(render: Render, name: str) -> None:
    rules = render()["ClusterRole", name]["rules"]
    for verb in ("get", "list", "watch"):
        assert allows(rules, Permission(verb, "kroscaletests", "bench.kro.run"))
        assert allows(rules, Permission(verb, "configmaps"))


def test_policies_are_installed_where_they_are_served(helm: str) -> None:
    policy = "kind: ValidatingAdmissionPolicy\n"
    served = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"
    cluster = ("--api-versions", "v1/Pod")
    assert policy in template(helm).stdout
    assert policy not in template(helm, "policies.enabled=false").stdout
    assert policy not in template(helm, options=cluster).stdout
    assert policy in template(helm, options=(*cluster, "--api-versions", served)).stdout


def test_the_policy_knows_the_labels_of_all_that_load_jobs_write(render: Render) -> None:
    policy = render()["ValidatingAdmissionPolicy", "krobench-load"]
    variables = {entry["name"]: entry["expression"] for entry in policy["spec"]["variables"]}
    for label in (RUN_LABEL, KEPT_RUN_LABEL):
        assert f"'{label}' in variables.labels" in variables["ofRun"]
    assert f"'{LEASE_NAME}'" in variables["lockOfRuns"]
    assert "'kb-'" in variables["crdOfRun"]
    assert object_prefix("0" * 36).startswith("kb-")


def test_an_operator_for_some_namespaces_has_rights_on_runs_only_there(helm: str) -> None:
    done = template(helm, "watchNamespaces={team-a,team-b}")
    assert done.returncode == 0, done.stderr
    objects = [entry for entry in yaml.load_all(done.stdout, yaml.CSafeLoader) if entry]
    assert not any(
        entry["kind"] == "ClusterRole" and entry["metadata"]["name"] == "krobench-operator"
        for entry in objects
    )
    of_runs: dict[str, set[str]] = {"krobench-operator-runs": set(), "krobench-load-runs": set()}
    for entry in objects:
        name = entry["metadata"]["name"]
        if entry["kind"] == "RoleBinding" and name in of_runs:
            of_runs[name].add(entry["metadata"]["namespace"])
            assert entry["roleRef"] == {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "Role",
                "name": name,
            }
    assert set(map(frozenset, of_runs.values())) == {frozenset({"team-a", "team-b"})}
    [load] = [
        entry
        for entry in objects
        if entry["kind"] == "ClusterRole" and entry["metadata"]["name"] == "krobench-load"
    ]
    assert not allows(load["rules"], Permission("get", "krobenchmarks", "bench.kro.run"))


def test_policies_on_runs_check_only_the_namespaces_that_are_watched(render: Render) -> None:
    kind = "ValidatingAdmissionPolicyBinding"
    everywhere, some = render(), render("watchNamespaces={team-a}")
    for name in ("krobench-creators", "krobench-limits"):
        assert "matchResources" not in everywhere[kind, name]["spec"]
        selector = some[kind, name]["spec"]["matchResources"]["namespaceSelector"]
        assert selector["matchExpressions"][0]["values"] == ["team-a"]


def test_all_operators_of_a_cluster_share_a_lease_unless_each_has_namespaces(
    render: Render,
) -> None:
    def lease(*values: str) -> tuple[str, str]:
        manifests = render(*values)
        [container] = manifests["Deployment", "krobench"]["spec"]["template"]["spec"]["containers"]
        [told] = [e["value"] for e in container["env"] if e["name"] == "KROBENCH_LEASE_NAMESPACE"]
        role = manifests["Role", "krobench-operator-lease"]
        for verb in ("get", "list", "watch", "create", "update"):
            need = Permission(verb, "leases", "coordination.k8s.io", name=OPERATOR_LEASE)
            assert allows(role["rules"], need), verb
        return told, role["metadata"]["namespace"]

    assert lease() == ("kube-system", "kube-system")
    assert lease("leaderElection.namespace=locks") == ("locks", "locks")
    assert lease("watchNamespaces={team-a}") == ("krobench-system", "krobench-system")
