"""Which resources there are and which refers to which, before anything is written down."""

import random
from collections import defaultdict
from dataclasses import dataclass

from krobench.api.specs.workload.generator import ChildKind
from krobench.workload.generator.settings import Settings


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
    kinds = _kinds(settings, rng)
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
    """Give each resource a level: each level has one, and the first enough to be referred to."""
    free = settings.resources - settings.depth
    first = min(max(0, settings.dependencies_per_resource - 1), free)
    if settings.depth == 1:
        first = free
    others = [rng.randrange(settings.depth) for _ in range(free - first)]
    return sorted([*range(settings.depth), *[0] * first, *others])


def _kinds(settings: Settings, rng: random.Random) -> list[ChildKind]:
    """Take the kinds in turns, so that each occurs, and then shuffle."""
    kinds = [settings.kinds[index % len(settings.kinds)] for index in range(settings.resources)]
    rng.shuffle(kinds)
    return kinds


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
