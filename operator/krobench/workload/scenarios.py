"""The ready-made workloads.

Each stands for a shape of ResourceGraphDefinition that users write. Their children are ready
without a kubelet, so that kro is measured and not the start of pods.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from krobench.model.benchmark import Scenario

Manifest = dict[str, Any]

WIDE_CHILDREN = 20


@dataclass(frozen=True)
class ScenarioSpec:
    """A ready-made workload."""

    scenario: Scenario
    stands_for: str
    stresses: str
    children: int
    """Objects that kro creates for each instance with the default values."""
    schema: Callable[[], Manifest]
    """Builds spec.schema without apiVersion, kind and group."""
    resources: Callable[[], list[Manifest]]
    """Builds spec.resources."""
    values: Callable[[], Manifest]
    """Builds the default spec of an instance."""


def _config_map(name: str, data: dict[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _value_schema() -> Manifest:
    return {"spec": {"value": 'string | default="hello"'}}


def _no_values() -> Manifest:
    return {}


def _single_resources() -> list[Manifest]:
    template = _config_map("${schema.metadata.name}-config", {"value": "${schema.spec.value}"})
    return [{"id": "config", "template": template}]


def _chain_resources() -> list[Manifest]:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "${schema.metadata.name}-sa"},
    }
    credentials = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "${schema.metadata.name}-creds"},
        "type": "Opaque",
        "stringData": {
            "owner": "${account.metadata.name}",
            "token": "${random.seededString(16, account.metadata.uid)}",
        },
    }
    settings = _config_map(
        "${schema.metadata.name}-settings",
        {
            "value": "${schema.spec.value}",
            "secretName": "${credentials.metadata.name}",
            "secretUID": "${credentials.metadata.uid}",
        },
    )
    derived = _config_map(
        "${settings.metadata.name}-derived", {"upper": "${settings.data.value.upperAscii()}"}
    )
    line = '${account.metadata.name + "/" + credentials.metadata.name + "/" + derived.data.upper}'
    return [
        {"id": "account", "template": account},
        {"id": "credentials", "template": credentials},
        {"id": "settings", "template": settings},
        {"id": "derived", "template": derived},
        {"id": "summary", "template": _config_map("${schema.metadata.name}-summary", {"l": line})},
    ]


def _wide_resources() -> list[Manifest]:
    return [
        {
            "id": f"cm{index:02d}",
            "template": _config_map(
                f"${{schema.metadata.name}}-{index:02d}",
                {"v": f"${{schema.spec.value}}-{index:02d}"},
            ),
        }
        for index in range(WIDE_CHILDREN)
    ]


def _web_app_schema() -> Manifest:
    return {
        "spec": {
            "image": 'string | default="registry.k8s.io/pause:3.10"',
            "replicas": "integer | default=2 minimum=0 maximum=50",
            "port": "integer | default=8080",
            "host": 'string | default="app.example.com"',
            "ingressEnabled": "boolean | default=false",
            "config": "map[string]string",
        },
        "status": {
            "availableReplicas": "${deployment.status.?availableReplicas.orValue(0)}",
            "clusterIP": '${service.spec.?clusterIP.orValue("")}',
        },
    }


def _web_app_deployment() -> Manifest:
    container = {
        "name": "app",
        "image": "${schema.spec.image}",
        "ports": [{"containerPort": "${schema.spec.port}"}],
        "envFrom": [{"configMapRef": {"name": "${config.metadata.name}"}}],
    }
    labels = {"app": "${schema.metadata.name}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "${schema.metadata.name}"},
        "spec": {
            "replicas": "${schema.spec.replicas}",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _web_app_ingress() -> Manifest:
    backend = {
        "service": {
            "name": "${service.metadata.name}",
            "port": {"number": "${service.spec.ports[0].port}"},
        }
    }
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "${schema.metadata.name}"},
        "spec": {"rules": [{"host": "${schema.spec.host}", "http": {"paths": [path]}}]},
    }


def _web_app_resources() -> list[Manifest]:
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "${schema.metadata.name}-config"},
        "data": "${schema.spec.?config.orValue({'mode': 'default'})}",
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "${deployment.metadata.name}"},
        "spec": {
            "selector": "${deployment.spec.selector.matchLabels}",
            "ports": [{"name": "http", "port": 80, "targetPort": "${schema.spec.port}"}],
        },
    }
    # Observed by the Deployment controller, which needs no node; waiting for availableReplicas
    # would measure the kubelet.
    observed = (
        "${deployment.status.?observedGeneration.orValue(0) >= deployment.metadata.generation}"
    )
    return [
        {"id": "config", "template": config},
        {"id": "deployment", "readyWhen": [observed], "template": _web_app_deployment()},
        {"id": "service", "template": service},
        {
            "id": "ingress",
            "includeWhen": ["${schema.spec.ingressEnabled}"],
            "template": _web_app_ingress(),
        },
    ]


def _web_app_values() -> Manifest:
    return {"replicas": 0, "ingressEnabled": True, "config": {"mode": "benchmark"}}


_SCENARIOS = (
    ScenarioSpec(
        Scenario.SINGLE,
        stands_for="the smallest abstraction: one ConfigMap made from one field",
        stresses="kro's fixed cost per instance: finalizer, status, requeues",
        children=1,
        schema=_value_schema,
        resources=_single_resources,
        values=_no_values,
    ),
    ScenarioSpec(
        Scenario.CHAIN,
        stands_for="an application with credentials: five objects, each made from the one before",
        stresses="dependency depth: a node waits until the one before was observed",
        children=5,
        schema=_value_schema,
        resources=_chain_resources,
        values=_no_values,
    ),
    ScenarioSpec(
        Scenario.WIDE,
        stands_for="a bundle of many objects that do not depend on each other",
        stresses="requests per reconcile: kro reads and applies every child each time",
        children=WIDE_CHILDREN,
        schema=_value_schema,
        resources=_wide_resources,
        values=_no_values,
    ),
    ScenarioSpec(
        Scenario.WEB_APP,
        stands_for="the web application of tutorials: ConfigMap, Deployment, Service, Ingress",
        stresses="mixed kinds, large schemas, readyWhen, includeWhen, status from children",
        children=4,
        schema=_web_app_schema,
        resources=_web_app_resources,
        values=_web_app_values,
    ),
)

SCENARIOS = {spec.scenario: spec for spec in _SCENARIOS}
