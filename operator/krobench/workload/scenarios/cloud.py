"""Resources of a cloud, each of which needs what the one before says once it is ready."""

from krobench.api.specs.workload import Cloud, Scenario
from krobench.workload.blueprint import Blueprint, Manifest, RgdParts, ScenarioSpec, config_map
from krobench.workload.cloud import CLOUD_API_VERSION


def cloud_children(cloud: Cloud) -> int:
    """Return the number of children of an instance: the resources and a ConfigMap."""
    return cloud.resources + 1


def cloud_blueprint(cloud: Cloud, resource_kind: str) -> Blueprint:
    """Return the RGD, whose children have this kind."""
    resources = [_resource(number, resource_kind) for number in range(cloud.resources)]
    endpoint = f"${{resource{cloud.resources - 1}.status.endpoint}}"
    connection = config_map("${schema.metadata.name}-connection", {"endpoint": endpoint})
    schema = {
        "spec": {"region": 'string | default="eu"'},
        "status": {"endpoint": endpoint},
    }
    return Blueprint(
        RgdParts(schema, [*resources, {"id": "connection", "template": connection}]),
        update={"region": "r{{round}}"},
    )


def _resource(number: int, kind: str) -> Manifest:
    name = f"resource{number}"
    spec = {"region": "${schema.spec.region}"}
    if number:
        spec["parent"] = f"${{resource{number - 1}.status.id}}"
    # An update of the spec takes as long as a creation: the condition is of the older generation.
    ready = (
        f'${{{name}.?status.?conditions.orValue([]).exists(c, c.type == "Ready" && '
        f'c.status == "True" && c.observedGeneration == {name}.metadata.generation)}}'
    )
    return {
        "id": name,
        "readyWhen": [ready],
        "template": {
            "apiVersion": CLOUD_API_VERSION,
            "kind": kind,
            "metadata": {"name": f"${{schema.metadata.name}}-{number}"},
            "spec": spec,
        },
    }


CLOUD = ScenarioSpec(
    Scenario.CLOUD,
    stands_for="resources of a cloud: network, subnet and database, each needs the id of the one "
    "before, and settings with the address of the last",
    stresses="waiting for slow children: readyWhen, large objects that are read again and again",
    children=cloud_children(Cloud()),
    build=lambda _kind: cloud_blueprint(Cloud(), "CloudResource"),
)
