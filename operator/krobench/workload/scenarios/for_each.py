"""Collections: objects made by kro's forEach."""

from krobench.api.specs.workload.workload import Scenario
from krobench.workload.blueprint import Blueprint, Manifest, RgdParts, config_map
from krobench.workload.scenarios.spec import ScenarioSpec

_TIERS = 2
_SHARDS_PER_TIER = 5
_NAMES = ("alpha", "beta", "gamma", "delta")
_INDEX = 1


def _schema() -> Manifest:
    return {
        "spec": {
            "names": "[]string",
            "shards": f"integer | default={_SHARDS_PER_TIER} minimum=0 maximum=50",
        },
        "status": {
            "total": "${size(shards) + size(named)}",
            "names": "${named.map(c, c.metadata.name)}",
        },
    }


def _shards() -> Manifest:
    """Two dimensions: kro makes an object for each pair."""
    return {
        "id": "shards",
        "forEach": [
            {"number": "${lists.range(schema.spec.shards)}"},
            {"tier": '${["hot", "cold"]}'},
        ],
        "template": config_map(
            "${schema.metadata.name}-${tier}-${string(number)}",
            {"number": "${string(number)}", "tier": "${tier}"},
        ),
    }


def _named() -> Manifest:
    return {
        "id": "named",
        "forEach": [{"entry": "${schema.spec.names}"}],
        "readyWhen": ['${each.data.key != ""}'],
        "template": config_map("${schema.metadata.name}-n-${entry}", {"key": "${entry}"}),
    }


def _index() -> Manifest:
    """An object that depends on a whole collection."""
    data = {
        "shards": '${shards.map(s, s.metadata.name).join(",")}',
        "count": "${string(size(shards))}",
    }
    return {"id": "index", "template": config_map("${schema.metadata.name}-index", data)}


FOR_EACH = ScenarioSpec(
    Scenario.FOR_EACH,
    stands_for="shards and tenants: collections whose size the instance decides",
    stresses="forEach over one and two dimensions, readiness of each element, and CEL over "
    "whole collections",
    children=_TIERS * _SHARDS_PER_TIER + len(_NAMES) + _INDEX,
    build=lambda _kind: Blueprint(
        RgdParts(_schema(), [_shards(), _named(), _index()]),
        values={"names": list(_NAMES)},
        # One element goes and another comes.
        update={"names": [*_NAMES[:-1], "round-{{round}}"]},
    ),
)
