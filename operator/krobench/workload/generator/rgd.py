"""Writing a drawn graph down as a ResourceGraphDefinition."""

import random

from krobench.api.common import API_GROUP
from krobench.api.specs.workload.generator import Generator
from krobench.workload.blueprint import Manifest, RgdParts
from krobench.workload.generator.expressions import computed, reference
from krobench.workload.generator.graph import Node, draw_graph
from krobench.workload.generator.settings import Settings, check, resolve
from krobench.workload.generator.templates import ready_when, template

COMPLEXITY_LABEL = f"{API_GROUP}/complexity"
INDEX_LABEL = f"{API_GROUP}/index"

_ITERATOR = "position"
_CONSTANT_BITS = 48


def generate_rgd(generator: Generator, index: int, field_path: str) -> RgdParts:
    """Return the RGD with this index; equal arguments give equal RGDs.

    Raises:
        WorkloadError: if there is no RGD of these settings; it names the field, which stands
            at ``field_path``.
    """
    settings = resolve(generator)
    check(generator, settings, field_path)
    # A string as the seed, so that RGD 1 of seed 0 is not RGD 0 of seed 1.
    rng = random.Random(f"{generator.seed}/{index}")  # noqa: S311 - a load, and no secret
    nodes = draw_graph(settings, rng)
    return RgdParts(
        schema={"spec": _fields(settings)},
        resources=[_resource(node, settings, rng) for node in nodes],
        labels={COMPLEXITY_LABEL: generator.complexity.value, INDEX_LABEL: str(index)},
    )


def _fields(settings: Settings) -> dict[str, str]:
    fields = {"value": 'string | default="hello world"'}
    if settings.for_each_size:
        fields["size"] = f"integer | default={settings.for_each_size} minimum=0 maximum=1000"
    if settings.include_when:
        fields["enabled"] = "boolean | default=true"
    return fields


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
