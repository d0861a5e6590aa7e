"""The Kubernetes objects of a generated RGD.

None needs a kubelet: Deployments have no replicas, and whatever else there is is ready once it
is stored.
"""

from collections.abc import Callable

from krobench.api.specs.workload.generator import ChildKind
from krobench.workload.blueprint import Manifest, config_map

Properties = dict[str, str]


def template(kind: ChildKind, name: str, properties: Properties) -> Manifest:
    """Return an object of this kind that carries the properties."""
    return _BUILDERS[kind](name, properties)


def ready_when(kind: ChildKind, resource_id: str) -> str:
    """Return a condition that such an object meets soon after its creation."""
    if kind is ChildKind.DEPLOYMENT:
        return (
            f"${{{resource_id}.status.?observedGeneration.orValue(0) "
            f">= {resource_id}.metadata.generation}}"
        )
    return f'${{{resource_id}.metadata.?uid.orValue("") != ""}}'


def _config_map(name: str, properties: Properties) -> Manifest:
    return config_map(name, properties)


def _secret(name: str, properties: Properties) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "Opaque",
        "stringData": properties,
    }


def _service_account(name: str, properties: Properties) -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(name, properties)}


def _service(name: str, properties: Properties) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name, properties),
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80}]},
    }


def _deployment(name: str, properties: Properties) -> Manifest:
    labels = {"app": name}
    container = {"name": "app", "image": "registry.k8s.io/pause:3.10"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(name, properties),
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _ingress(name: str, properties: Properties) -> Manifest:
    backend = {"service": {"name": name, "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": _metadata(name, properties),
        "spec": {"rules": [{"host": "app.example.com", "http": {"paths": [path]}}]},
    }


def _metadata(name: str, properties: Properties) -> Manifest:
    return {"name": name, "annotations": properties}


_BUILDERS: dict[ChildKind, Callable[[str, Properties], Manifest]] = {
    ChildKind.CONFIG_MAP: _config_map,
    ChildKind.SECRET: _secret,
    ChildKind.SERVICE_ACCOUNT: _service_account,
    ChildKind.SERVICE: _service,
    ChildKind.DEPLOYMENT: _deployment,
    ChildKind.INGRESS: _ingress,
}
