"""The Kubernetes objects of a generated RGD.

None needs a kubelet: Deployments have no replicas, and all others are ready once they are stored.
"""

import random
from collections.abc import Callable

from krobench.api.common import API_GROUP
from krobench.api.specs.workload import ChildKind, Generator
from krobench.workload.blueprint import Manifest, RgdParts, config_map
from krobench.workload.generator.graph import Node, Settings, check, draw_graph, resolve

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
    ChildKind.CONFIG_MAP: config_map,
    ChildKind.SECRET: _secret,
    ChildKind.SERVICE_ACCOUNT: _service_account,
    ChildKind.SERVICE: _service,
    ChildKind.DEPLOYMENT: _deployment,
    ChildKind.INGRESS: _ingress,
}


_OPERATIONS = (
    "{text}.upperAscii()",
    "{text}.lowerAscii()",
    '{text}.replace("l", "L")',
    '{text}.split("o").join("0")',
    '"%s-%s".format([{text}, schema.metadata.name])',
    '[{text}, "x"].filter({variable}, {variable}.size() > 1).join("/")',
    '(lists.range(2).map({variable}, string({variable})).join("-") + {text})',
    (
        "cel.bind({variable}, {text}, "
        "{variable}.size() > 40 ? {variable}.substring(0, 40) : {variable})"
    ),
    "base64.encode(bytes({text}))",
)
"""Operations of CEL on a text; each may use a variable of its own, because macros nest."""


def reference(target: Node) -> str:
    """Return an expression that depends on ``target``: its name, or the names of its objects."""
    if target.collection:
        return f'{target.resource_id}.map(o, o.metadata.name).join(",")'
    return f"{target.resource_id}.metadata.name"


def computed(operations: int, rng: random.Random) -> str:
    """Return an expression over the instance's spec with this many operations."""
    expression = "schema.spec.value"
    for number in range(operations):
        operation = rng.choice(_OPERATIONS)
        expression = operation.format(text=expression, variable=f"v{number}")
    return expression


COMPLEXITY_LABEL = f"{API_GROUP}/complexity"
INDEX_LABEL = f"{API_GROUP}/index"

_ITERATOR = "position"
_CONSTANT_BITS = 48


def generate_rgd(generator: Generator, index: int, field_path: str) -> RgdParts:
    """Return the RGD with this index; equal arguments give equal RGDs.

    Raises:
        WorkloadError: if no RGD can have these settings; it names the field, at ``field_path``.
    """
    settings = resolve(generator)
    check(generator, settings, field_path)
    # A string as the seed, so that RGD 1 of seed 0 is not RGD 0 of seed 1.
    rng = random.Random(f"{generator.seed}/{index}")  # noqa: S311 - a load, and no secret
    nodes = draw_graph(settings, rng)
    fields = {"value": 'string | default="hello world"'}
    if settings.for_each_size:
        fields["size"] = f"integer | default={settings.for_each_size} minimum=0 maximum=1000"
    if settings.include_when:
        fields["enabled"] = "boolean | default=true"
    return RgdParts(
        schema={"spec": fields},
        resources=[_resource(node, settings, rng) for node in nodes],
        labels={COMPLEXITY_LABEL: generator.complexity.value, INDEX_LABEL: str(index)},
    )


def _resource(node: Node, settings: Settings, rng: random.Random) -> Manifest:
    name = f"${{schema.metadata.name}}-{node.resource_id.lower()}"
    resource: Manifest = {"id": node.resource_id}
    if node.collection:
        name += f"-${{string({_ITERATOR})}}"
        resource["forEach"] = [{_ITERATOR: "${lists.range(schema.spec.size)}"}]
    if node.include_when:
        resource["includeWhen"] = ["${schema.spec.enabled}"]
    if node.ready_when:
        resource["readyWhen"] = [ready_when(node.kind, node.resource_id)]
    return resource | {"template": template(node.kind, name, _properties(node, settings, rng))}


def _properties(node: Node, settings: Settings, rng: random.Random) -> dict[str, str]:
    references = {
        f"ref-{target.resource_id}": f"${{{reference(target)}}}" for target in node.dependencies
    }
    own = {
        f"property-{position:02d}": (
            f"${{{computed(settings.cel_complexity, rng)}}}"
            if position in node.computed
            else f"constant-{rng.getrandbits(_CONSTANT_BITS):012x}"
        )
        for position in range(settings.properties_per_resource)
    }
    return references | own
