"""The settings of a generated RGD, and its graph: its resources and which refer to which."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from krobench.api.specs.workload import ChildKind, Complexity, Generator
from krobench.workload.blueprint import WorkloadError

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
    for met, problem in _conditions(settings):
        if not met:
            raise WorkloadError(f"{field_path}.{problem} (complexity is {generator.complexity})")


def _conditions(settings: Settings) -> Iterator[tuple[bool, str]]:
    """Yield each condition, and the message if it does not hold."""
    depth, resources = settings.depth, settings.resources
    dependencies = settings.dependencies_per_resource
    slots = resources * settings.properties_per_resource
    yield (
        depth <= resources,
        f"depth is {depth}, but must not exceed resources, which is {resources}",
    )
    yield (
        dependencies < resources,
        (
            f"dependenciesPerResource is {dependencies}, but must be less than resources, "
            f"which is {resources}"
        ),
    )
    yield (
        dependencies > 0 or depth == 1,
        f"dependenciesPerResource is 0, but must be at least 1 for a depth of {depth}",
    )
    yield (
        depth > 1 or dependencies == 0,
        f"depth is 1, but must be at least 2 for dependenciesPerResource of {dependencies}",
    )
    yield (
        settings.cel_expressions <= slots,
        (
            f"celExpressions is {settings.cel_expressions}, but must not exceed resources times "
            f"propertiesPerResource, which is {slots}"
        ),
    )


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
    computed = _computed(settings, rng)
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


def _computed(settings: Settings, rng: random.Random) -> dict[int, set[int]]:
    """Spread the computed properties over all; the result is by resource."""
    width = settings.properties_per_resource
    chosen = rng.sample(range(settings.resources * width), settings.cel_expressions)
    result: dict[int, set[int]] = defaultdict(set)
    for slot in chosen:
        result[slot // width].add(slot % width)
    return result
