"""RGDs built on RGDs: a platform team's building block, used by a product team's own kind."""

from krobench.api.specs.workload.workload import Scenario
from krobench.workload.blueprint import (
    Blueprint,
    Manifest,
    RgdParts,
    config_map,
    group_version,
    inner_kind,
)
from krobench.workload.scenarios.spec import ScenarioSpec

_ROLE = "Component"
_COMPONENT_CHILDREN = 2
_COMPONENTS = 2
_OWN_CHILDREN = 1


def _component() -> RgdParts:
    """The inner RGD: an identity and its settings."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "${schema.metadata.name}"},
    }
    settings = config_map(
        "${schema.metadata.name}",
        {"upstream": "${schema.spec.upstream}", "account": "${account.metadata.name}"},
    )
    return RgdParts(
        schema={
            "spec": {"upstream": 'string | default="none"'},
            "status": {"endpoint": '${settings.metadata.name + ".example.com"}'},
        },
        resources=[
            {"id": "account", "template": account},
            {"id": "settings", "template": settings},
        ],
    )


def _instance(kind: str, resource_id: str, upstream: str) -> Manifest:
    # ACTIVE is what kro says of an instance whose children are all there and ready.
    active = f'${{{resource_id}.?status.?state.orValue("") == "ACTIVE"}}'
    return {
        "id": resource_id,
        "readyWhen": [active],
        "template": {
            "apiVersion": group_version(),
            "kind": kind,
            "metadata": {"name": f"${{schema.metadata.name}}-{resource_id}"},
            "spec": {"upstream": upstream},
        },
    }


def _platform(component: str) -> RgdParts:
    """The outer RGD: a front end that needs a back end, and a summary of both."""
    summary = config_map(
        "${schema.metadata.name}-summary",
        {"backend": "${backend.status.endpoint}", "frontend": "${frontend.status.endpoint}"},
    )
    return RgdParts(
        schema={"spec": {"region": 'string | default="eu"'}},
        resources=[
            _instance(component, "backend", "${schema.spec.region}"),
            _instance(component, "frontend", "${backend.status.endpoint}"),
            {"id": "summary", "template": summary},
        ],
    )


def _build(kind: str) -> Blueprint:
    component = inner_kind(kind, _ROLE)
    return Blueprint(
        _platform(component), inner={component: _component()}, update={"region": "r{{round}}"}
    )


PLATFORM = ScenarioSpec(
    Scenario.PLATFORM,
    stands_for="a platform in layers: an RGD whose children are instances of another RGD",
    stresses="reconciles that wait for reconciles: kro's one worker serves both layers, and "
    "status travels upwards",
    children=_COMPONENTS * (1 + _COMPONENT_CHILDREN) + _OWN_CHILDREN,
    build=_build,
)
