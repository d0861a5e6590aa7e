"""The smallest workloads: one object, a chain of objects, and many side by side."""

from krobench.api.specs.workload.workload import Scenario
from krobench.workload.blueprint import Blueprint, Manifest, RgdParts, config_map
from krobench.workload.scenarios.spec import ScenarioSpec

WIDE_CHILDREN = 20


def _value_schema() -> Manifest:
    return {"spec": {"value": 'string | default="hello"'}}


def _single_resources() -> list[Manifest]:
    template = config_map("${schema.metadata.name}-config", {"value": "${schema.spec.value}"})
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
    settings = config_map(
        "${schema.metadata.name}-settings",
        {
            "value": "${schema.spec.value}",
            "secretName": "${credentials.metadata.name}",
            "secretUID": "${credentials.metadata.uid}",
        },
    )
    derived = config_map(
        "${settings.metadata.name}-derived", {"upper": "${settings.data.value.upperAscii()}"}
    )
    line = '${account.metadata.name + "/" + credentials.metadata.name + "/" + derived.data.upper}'
    return [
        {"id": "account", "template": account},
        {"id": "credentials", "template": credentials},
        {"id": "settings", "template": settings},
        {"id": "derived", "template": derived},
        {"id": "summary", "template": config_map("${schema.metadata.name}-summary", {"l": line})},
    ]


def _wide_resources() -> list[Manifest]:
    return [
        {
            "id": f"cm{index:02d}",
            "template": config_map(
                f"${{schema.metadata.name}}-{index:02d}",
                {"v": f"${{schema.spec.value}}-{index:02d}"},
            ),
        }
        for index in range(WIDE_CHILDREN)
    ]


def _blueprint(resources: list[Manifest]) -> Blueprint:
    return Blueprint(RgdParts(_value_schema(), resources), update={"value": "round-{{round}}"})


SINGLE = ScenarioSpec(
    Scenario.SINGLE,
    stands_for="the smallest abstraction: one ConfigMap made from one field",
    stresses="kro's fixed cost per instance: finalizer, status, requeues",
    children=1,
    build=lambda _kind: _blueprint(_single_resources()),
)

CHAIN = ScenarioSpec(
    Scenario.CHAIN,
    stands_for="an application with credentials: five objects, each made from the one before",
    stresses="dependency depth: a node waits until the one before was observed",
    children=5,
    build=lambda _kind: _blueprint(_chain_resources()),
)

WIDE = ScenarioSpec(
    Scenario.WIDE,
    stands_for="a bundle of many objects that do not depend on each other",
    stresses="requests per reconcile: kro reads and applies every child each time",
    children=WIDE_CHILDREN,
    build=lambda _kind: _blueprint(_wide_resources()),
)
