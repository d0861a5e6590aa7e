"""Tenants of a shared cluster, each with a namespace of its own."""

from krobench.api.common import RUN_LABEL
from krobench.api.specs.workload.workload import Scenario
from krobench.workload.blueprint import Blueprint, Manifest, RgdParts
from krobench.workload.scenarios.spec import ScenarioSpec

_TENANT_NAMESPACE = "${tenant.metadata.name}"


def _namespace() -> Manifest:
    # It goes with its instance; by the label it is found where the instance was lost.
    return {
        "id": "tenant",
        "readyWhen": ['${tenant.status.?phase.orValue("") == "Active"}'],
        "template": {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": "${schema.metadata.name}",
                "labels": {
                    RUN_LABEL: f'${{schema.metadata.labels["{RUN_LABEL}"]}}',
                    "owner": "${schema.spec.owner}",
                },
            },
        },
    }


def _inside(resource_id: str, api_version: str, kind: str, body: Manifest) -> Manifest:
    metadata = {"name": resource_id.lower(), "namespace": _TENANT_NAMESPACE}
    head = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
    return {"id": resource_id, "template": head | body}


def _resources() -> list[Manifest]:
    hard = {"pods": "${schema.spec.pods}", "services": "10"}
    policy = {"podSelector": {}, "policyTypes": ["Ingress"]}
    return [
        _namespace(),
        _inside("quota", "v1", "ResourceQuota", {"spec": {"hard": hard}}),
        _inside("policy", "networking.k8s.io/v1", "NetworkPolicy", {"spec": policy}),
        _inside("deployer", "v1", "ServiceAccount", {}),
        _inside("settings", "v1", "ConfigMap", {"data": {"owner": "${schema.spec.owner}"}}),
    ]


MULTI_TENANT = ScenarioSpec(
    Scenario.MULTI_TENANT,
    stands_for="tenants that come and go: a namespace each, with quota, network policy, service "
    "account and settings",
    stresses="cluster-scoped children, children in other namespaces, and deletions that wait for "
    "the namespace controller; meant for steps with churn",
    children=5,
    build=lambda _kind: Blueprint(
        RgdParts(
            {"spec": {"owner": 'string | default="team"', "pods": 'string | default="10"'}},
            _resources(),
        ),
        update={"owner": "round-{{round}}"},
    ),
)
