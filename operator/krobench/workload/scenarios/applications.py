"""Applications: that of tutorials, a platform in layers, and tenants."""

from krobench.api.common import LOAD_GROUP, RUN_LABEL
from krobench.api.specs.workload import Scenario
from krobench.workload.blueprint import (
    KRO_DEFAULT_API_VERSION,
    Blueprint,
    Manifest,
    RgdParts,
    ScenarioSpec,
    config_map,
)


def _web_app(_kind: str) -> Blueprint:
    schema = {
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
    config = config_map(
        "${schema.metadata.name}-config", "${schema.spec.?config.orValue({'mode': 'default'})}"
    )
    container = {
        "name": "app",
        "image": "${schema.spec.image}",
        "ports": [{"containerPort": "${schema.spec.port}"}],
        "envFrom": [{"configMapRef": {"name": "${config.metadata.name}"}}],
    }
    labels = {"app": "${schema.metadata.name}"}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "${schema.metadata.name}"},
        "spec": {
            "replicas": "${schema.spec.replicas}",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    # Observed by the Deployment controller, which needs no node; waiting for availableReplicas
    # would measure the kubelet.
    observed = (
        "${deployment.status.?observedGeneration.orValue(0) >= deployment.metadata.generation}"
    )
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "${deployment.metadata.name}"},
        "spec": {
            "selector": "${deployment.spec.selector.matchLabels}",
            "ports": [{"name": "http", "port": 80, "targetPort": "${schema.spec.port}"}],
        },
    }
    port = {"number": "${service.spec.ports[0].port}"}
    backend = {"service": {"name": "${service.metadata.name}", "port": port}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "${schema.metadata.name}"},
        "spec": {"rules": [{"host": "${schema.spec.host}", "http": {"paths": [path]}}]},
    }
    if_enabled = ["${schema.spec.ingressEnabled}"]
    resources: list[Manifest] = [
        {"id": "config", "template": config},
        {"id": "deployment", "readyWhen": [observed], "template": deployment},
        {"id": "service", "template": service},
        {"id": "ingress", "includeWhen": if_enabled, "template": ingress},
    ]
    return Blueprint(
        RgdParts(schema, resources),
        values={"replicas": 0, "ingressEnabled": True, "config": {"mode": "benchmark"}},
        update={"config": {"mode": "round-{{round}}"}},
    )


WEB_APP = ScenarioSpec(
    Scenario.WEB_APP,
    stands_for="the web application of tutorials: ConfigMap, Deployment, Service, Ingress",
    stresses="mixed kinds, large schemas, readyWhen, includeWhen, status from children",
    children=4,
    build=_web_app,
)


_COMPONENT_CHILDREN = 2
_COMPONENTS = 2
_OWN_CHILDREN = 1


def _component_instance(kind: str, resource_id: str, upstream: str) -> Manifest:
    # ACTIVE is the state of an instance whose children all exist and are ready.
    active = f'${{{resource_id}.?status.?state.orValue("") == "ACTIVE"}}'
    return {
        "id": resource_id,
        "readyWhen": [active],
        "template": {
            "apiVersion": f"{LOAD_GROUP}/{KRO_DEFAULT_API_VERSION}",
            "kind": kind,
            "metadata": {"name": f"${{schema.metadata.name}}-{resource_id}"},
            "spec": {"upstream": upstream},
        },
    }


def _platform(kind: str) -> Blueprint:
    """The outer RGD: a front end that needs a back end, and a summary of both. The inner one: an
    identity and its settings."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "${schema.metadata.name}"},
    }
    settings = config_map(
        "${schema.metadata.name}",
        {"upstream": "${schema.spec.upstream}", "account": "${account.metadata.name}"},
    )
    inner = RgdParts(
        schema={
            "spec": {"upstream": 'string | default="none"'},
            "status": {"endpoint": '${settings.metadata.name + ".example.com"}'},
        },
        resources=[
            {"id": "account", "template": account},
            {"id": "settings", "template": settings},
        ],
    )
    component = f"{kind}Component"
    summary = config_map(
        "${schema.metadata.name}-summary",
        {"backend": "${backend.status.endpoint}", "frontend": "${frontend.status.endpoint}"},
    )
    outer = RgdParts(
        schema={"spec": {"region": 'string | default="eu"'}},
        resources=[
            _component_instance(component, "backend", "${schema.spec.region}"),
            _component_instance(component, "frontend", "${backend.status.endpoint}"),
            {"id": "summary", "template": summary},
        ],
    )
    return Blueprint(outer, inner={component: inner}, update={"region": "r{{round}}"})


PLATFORM = ScenarioSpec(
    Scenario.PLATFORM,
    stands_for="a platform in layers: an RGD whose children are instances of another RGD",
    stresses="reconciles that wait for reconciles: kro's one worker serves both layers, and "
    "status travels upwards",
    children=_COMPONENTS * (1 + _COMPONENT_CHILDREN) + _OWN_CHILDREN,
    build=_platform,
)


def _tenants(_kind: str) -> Blueprint:
    def inside(resource_id: str, api_version: str, kind: str, body: Manifest) -> Manifest:
        metadata = {"name": resource_id.lower(), "namespace": "${tenant.metadata.name}"}
        head = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
        return {"id": resource_id, "template": head | body}

    labels = {
        RUN_LABEL: f'${{schema.metadata.labels["{RUN_LABEL}"]}}',
        "owner": "${schema.spec.owner}",
    }
    # It is deleted with its instance; if the instance is lost, the cleanup finds it by its label.
    tenant = {
        "id": "tenant",
        "readyWhen": ['${tenant.status.?phase.orValue("") == "Active"}'],
        "template": {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "${schema.metadata.name}", "labels": labels},
        },
    }
    hard = {"pods": "${schema.spec.pods}", "services": "10"}
    policy = {"podSelector": {}, "policyTypes": ["Ingress"]}
    resources = [
        tenant,
        inside("quota", "v1", "ResourceQuota", {"spec": {"hard": hard}}),
        inside("policy", "networking.k8s.io/v1", "NetworkPolicy", {"spec": policy}),
        inside("deployer", "v1", "ServiceAccount", {}),
        inside("settings", "v1", "ConfigMap", {"data": {"owner": "${schema.spec.owner}"}}),
    ]
    schema = {"spec": {"owner": 'string | default="team"', "pods": 'string | default="10"'}}
    return Blueprint(RgdParts(schema, resources), update={"owner": "round-{{round}}"})


MULTI_TENANT = ScenarioSpec(
    Scenario.MULTI_TENANT,
    stands_for="tenants that come and go: a namespace each, with quota, network policy, service "
    "account and settings",
    stresses="cluster-scoped children, children in other namespaces, and deletions that wait for "
    "the namespace controller; meant for phases with churn",
    children=5,
    build=_tenants,
)
