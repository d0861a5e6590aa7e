"""The web application of tutorials."""

from krobench.api.specs.workload.workload import Scenario
from krobench.workload.blueprint import Blueprint, Manifest, RgdParts, config_map
from krobench.workload.scenarios.spec import ScenarioSpec


def _schema() -> Manifest:
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


def _deployment() -> Manifest:
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


def _ingress() -> Manifest:
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


def _resources() -> list[Manifest]:
    config = config_map(
        "${schema.metadata.name}-config", "${schema.spec.?config.orValue({'mode': 'default'})}"
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
    # Observed by the Deployment controller, which needs no node; waiting for availableReplicas
    # would measure the kubelet.
    observed = (
        "${deployment.status.?observedGeneration.orValue(0) >= deployment.metadata.generation}"
    )
    return [
        {"id": "config", "template": config},
        {"id": "deployment", "readyWhen": [observed], "template": _deployment()},
        {"id": "service", "template": service},
        {
            "id": "ingress",
            "includeWhen": ["${schema.spec.ingressEnabled}"],
            "template": _ingress(),
        },
    ]


def _values() -> Manifest:
    return {"replicas": 0, "ingressEnabled": True, "config": {"mode": "benchmark"}}


WEB_APP = ScenarioSpec(
    Scenario.WEB_APP,
    stands_for="the web application of tutorials: ConfigMap, Deployment, Service, Ingress",
    stresses="mixed kinds, large schemas, readyWhen, includeWhen, status from children",
    children=4,
    build=lambda _kind: Blueprint(
        RgdParts(_schema(), _resources()),
        values=_values(),
        update={"config": {"mode": "round-{{round}}"}},
    ),
)
