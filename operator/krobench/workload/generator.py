"""Generated ResourceGraphDefinitions: pure, and determined by a seed.

A graph of resources is drawn, then the Kubernetes objects of each. None needs a kubelet:
Deployments have no replicas, and all others are ready once they are stored.
"""

import random
from collections import defaultdict
from dataclasses import asdict, dataclass

from krobench.api.common import API_GROUP
from krobench.api.specs.generator import ChildKind, Complexity, Generator
from krobench.workload.blueprint import Manifest, RgdParts, WorkloadError, config_map

_COLLECTION_SHARE = 0.25


@dataclass(frozen=True)
class Settings:
    """A generator's settings; ``Generator`` says what each means."""

    resources: int
    properties_per_resource: int
    dependencies_per_resource: int
    depth: int
    kinds: tuple[ChildKind, ...]
    for_each_size: int
    include_when_share: float
    ready_when_share: float
    cel_expressions: int
    cel_complexity: int

    @property
    def collections(self) -> int:
        """Resources that are collections."""
        return max(1, int(self.resources * _COLLECTION_SHARE)) if self.for_each_size else 0

    @property
    def include_when(self) -> int:
        """Resources with an includeWhen."""
        return round(self.resources * self.include_when_share)

    @property
    def ready_when(self) -> int:
        """Resources with a readyWhen: kro rejects it on collections of several kinds."""
        return round((self.resources - self.collections) * self.ready_when_share)

    @property
    def children(self) -> int:
        """Objects that kro creates for an instance."""
        return self.resources - self.collections + self.collections * self.for_each_size


LEVELS = {
    Complexity.SIMPLE: Settings(
        resources=3,
        properties_per_resource=3,
        dependencies_per_resource=1,
        depth=2,
        kinds=(ChildKind.CONFIG_MAP,),
        for_each_size=0,
        include_when_share=0.0,
        ready_when_share=0.0,
        cel_expressions=3,
        cel_complexity=1,
    ),
    Complexity.MEDIUM: Settings(
        resources=10,
        properties_per_resource=5,
        dependencies_per_resource=2,
        depth=4,
        kinds=(
            ChildKind.CONFIG_MAP,
            ChildKind.SECRET,
            ChildKind.SERVICE_ACCOUNT,
            ChildKind.SERVICE,
        ),
        for_each_size=3,
        include_when_share=0.2,
        ready_when_share=0.2,
        cel_expressions=20,
        cel_complexity=2,
    ),
    Complexity.COMPLEX: Settings(
        resources=30,
        properties_per_resource=10,
        dependencies_per_resource=3,
        depth=8,
        kinds=tuple(ChildKind),
        for_each_size=5,
        include_when_share=0.3,
        ready_when_share=0.3,
        cel_expressions=100,
        cel_complexity=4,
    ),
    Complexity.CUSTOM: Settings(
        resources=1,
        properties_per_resource=1,
        dependencies_per_resource=0,
        depth=1,
        kinds=(ChildKind.CONFIG_MAP,),
        for_each_size=0,
        include_when_share=0.0,
        ready_when_share=0.0,
        cel_expressions=0,
        cel_complexity=1,
    ),
}


def resolve(generator: Generator) -> Settings:
    """Fill in the numbers of the generator's level; :func:`check` says whether they fit."""
    level = asdict(LEVELS[generator.complexity])
    own = generator.model_dump(exclude={"seed", "complexity"}, exclude_none=True)
    settings = level | own
    return Settings(**settings | {"kinds": tuple(settings["kinds"])})


def check(generator: Generator, settings: Settings, field_path: str) -> None:
    """Check that an RGD of these settings exists.

    Raises:
        WorkloadError: naming the field that has to change.
    """
    depth, resources = settings.depth, settings.resources
    dependencies = settings.dependencies_per_resource
    slots = resources * settings.properties_per_resource
    conditions = (
        (
            depth <= resources,
            f"depth is {depth}, but must not exceed resources, which is {resources}",
        ),
        (
            dependencies < resources,
            (
                f"dependenciesPerResource is {dependencies}, but must be less than resources, "
                f"which is {resources}"
            ),
        ),
        (
            dependencies > 0 or depth == 1,
            f"dependenciesPerResource is 0, but must be at least 1 for a depth of {depth}",
        ),
        (
            depth > 1 or dependencies == 0,
            f"depth is 1, but must be at least 2 for dependenciesPerResource of {dependencies}",
        ),
        (
            settings.cel_expressions <= slots,
            (
                f"celExpressions is {settings.cel_expressions}, but must not exceed resources "
                f"times propertiesPerResource, which is {slots}"
            ),
        ),
    )
    for met, problem in conditions:
        if not met:
            raise WorkloadError(f"{field_path}.{problem} (complexity is {generator.complexity})")


@dataclass(frozen=True)
class Node:
    """A resource of the RGD."""

    resource_id: str
    kind: ChildKind
    level: int
    """Resources on the longest chain of dependencies that ends here, less one."""
    dependencies: tuple["Node", ...]
    collection: bool
    include_when: bool
    ready_when: bool
    computed: frozenset[int]
    """Positions of the properties that are computed."""


def draw_graph(settings: Settings, rng: random.Random) -> list[Node]:
    """Return the resources, each after those that it refers to."""
    count = settings.resources
    levels = _levels(settings, rng)
    # Each kind in turn, so that all occur.
    kinds = [settings.kinds[index % len(settings.kinds)] for index in range(count)]
    rng.shuffle(kinds)
    collections = _chosen(range(count), settings.collections, rng)
    include_when = _chosen(range(count), settings.include_when, rng)
    singles = [index for index in range(count) if index not in collections]
    ready_when = _chosen(singles, settings.ready_when, rng)
    width = settings.properties_per_resource
    computed: dict[int, set[int]] = defaultdict(set)
    for slot in rng.sample(range(count * width), settings.cel_expressions):
        computed[slot // width].add(slot % width)
    nodes: list[Node] = []
    for index, (level, kind) in enumerate(zip(levels, kinds, strict=True)):
        nodes.append(
            Node(
                resource_id=f"{kind[0].lower()}{kind[1:]}{index:02d}",
                kind=kind,
                level=level,
                dependencies=_dependencies(nodes, level, settings, rng),
                collection=index in collections,
                include_when=index in include_when,
                ready_when=index in ready_when,
                computed=frozenset(computed[index]),
            )
        )
    return nodes


def _levels(settings: Settings, rng: random.Random) -> list[int]:
    """Give each resource a level: none is empty, and the first has enough to refer to."""
    free = settings.resources - settings.depth
    first = min(max(0, settings.dependencies_per_resource - 1), free)
    if settings.depth == 1:
        first = free
    others = [rng.randrange(settings.depth) for _ in range(free - first)]
    return sorted([*range(settings.depth), *[0] * first, *others])


def _dependencies(
    before: list[Node], level: int, settings: Settings, rng: random.Random
) -> tuple[Node, ...]:
    """Draw from the levels above, at least one from the level just above."""
    above = [node for node in before if node.level < level]
    if not above:
        return ()
    nearest = rng.choice([node for node in above if node.level == level - 1])
    others = [node for node in above if node is not nearest]
    count = min(settings.dependencies_per_resource - 1, len(others))
    return (nearest, *rng.sample(others, count))


def _chosen(candidates: list[int] | range, count: int, rng: random.Random) -> set[int]:
    return set(rng.sample(candidates, count))


Properties = dict[str, str]


def template(kind: ChildKind, name: str, properties: Properties) -> Manifest:
    """Return an object of this kind that carries the properties."""
    head = {"kind": kind.value, "metadata": {"name": name, "annotations": properties}}
    match kind:
        case ChildKind.CONFIG_MAP:
            return config_map(name, properties)
        case ChildKind.SECRET:
            return {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name},
                "type": "Opaque",
                "stringData": properties,
            }
        case ChildKind.SERVICE_ACCOUNT:
            return {"apiVersion": "v1", **head}
        case ChildKind.SERVICE:
            ports = [{"name": "http", "port": 80}]
            return {"apiVersion": "v1", **head, "spec": {"selector": {"app": name}, "ports": ports}}
        case ChildKind.DEPLOYMENT:
            labels = {"app": name}
            container = {"name": "app", "image": "registry.k8s.io/pause:3.10"}
            return {
                "apiVersion": "apps/v1",
                **head,
                "spec": {
                    "replicas": 0,
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {"containers": [container]},
                    },
                },
            }
        case ChildKind.INGRESS:
            backend = {"service": {"name": name, "port": {"number": 80}}}
            path = {"path": "/", "pathType": "Prefix", "backend": backend}
            spec = {"rules": [{"host": "app.example.com", "http": {"paths": [path]}}]}
            return {"apiVersion": "networking.k8s.io/v1", **head, "spec": spec}


def ready_when(kind: ChildKind, resource_id: str) -> str:
    """Return a condition that such an object meets soon after its creation."""
    if kind is ChildKind.DEPLOYMENT:
        return (
            f"${{{resource_id}.status.?observedGeneration.orValue(0) "
            f">= {resource_id}.metadata.generation}}"
        )
    return f'${{{resource_id}.metadata.?uid.orValue("") != ""}}'


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
    properties = {
        f"ref-{target.resource_id}": f"${{{reference(target)}}}" for target in node.dependencies
    }
    for position in range(settings.properties_per_resource):
        properties[f"property-{position:02d}"] = (
            f"${{{computed(settings.cel_complexity, rng)}}}"
            if position in node.computed
            else f"constant-{rng.getrandbits(_CONSTANT_BITS):012x}"
        )
    return resource | {"template": template(node.kind, name, properties)}
