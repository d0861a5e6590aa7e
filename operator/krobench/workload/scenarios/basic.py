"""The smallest workloads: one object, a chain of objects, and many side by side."""

from krobench.api.specs.workload import Scenario
from krobench.workload.blueprint import Blueprint, Manifest, RgdParts, ScenarioSpec, config_map

WIDE_CHILDREN = 20


def _chain(_kind: str) -> Blueprint:
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
    summary = config_map("${schema.metadata.name}-summary", {"l": line})
    return _blueprint(
        [
            {"id": "account", "template": account},
            {"id": "credentials", "template": credentials},
            {"id": "settings", "template": settings},
            {"id": "derived", "template": derived},
            {"id": "summary", "template": summary},
        ]
    )


def _blueprint(resources: list[Manifest]) -> Blueprint:
    schema = {"spec": {"value": 'string | default="hello"'}}
    return Blueprint(RgdParts(schema, resources), update={"value": "round-{{round}}"})


SINGLE = ScenarioSpec(
    Scenario.SINGLE,
    stands_for="the smallest abstraction: one ConfigMap made from one field",
    stresses="kro's fixed cost per instance: finalizer, status, requeues",
    children=1,
    build=lambda _kind: _blueprint(
        [
            {
                "id": "config",
                "template": config_map(
                    "${schema.metadata.name}-config", {"value": "${schema.spec.value}"}
                ),
            }
        ]
    ),
)

CHAIN = ScenarioSpec(
    Scenario.CHAIN,
    stands_for="an application with credentials: five objects, each made from the one before",
    stresses="dependency depth: a node waits until the one before was observed",
    children=5,
    build=_chain,
)

WIDE = ScenarioSpec(
    Scenario.WIDE,
    stands_for="a bundle of many objects that do not depend on each other",
    stresses="requests per reconcile: kro reads and applies every child each time",
    children=WIDE_CHILDREN,
    build=lambda _kind: _blueprint(
        [
            {
                "id": f"cm{index:02d}",
                "template": config_map(
                    f"${{schema.metadata.name}}-{index:02d}",
                    {"v": f"${{schema.spec.value}}-{index:02d}"},
                ),
            }
            for index in range(WIDE_CHILDREN)
        ]
    ),
)


_TIERS = 2
_SHARDS_PER_TIER = 5
_NAMES = ("alpha", "beta", "gamma", "delta")
_INDEX = 1


def _for_each(_kind: str) -> Blueprint:
    schema = {
        "spec": {
            "names": "[]string",
            "shards": f"integer | default={_SHARDS_PER_TIER} minimum=0 maximum=50",
        },
        "status": {
            "total": "${size(shards) + size(named)}",
            "names": "${named.map(c, c.metadata.name)}",
        },
    }
    # Two dimensions: kro makes an object for each pair.
    shards = {
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
    named = {
        "id": "named",
        "forEach": [{"entry": "${schema.spec.names}"}],
        "readyWhen": ['${each.data.key != ""}'],
        "template": config_map("${schema.metadata.name}-n-${entry}", {"key": "${entry}"}),
    }
    # An object that depends on both collections.
    data = {
        "shards": '${shards.map(s, s.metadata.name).join(",")}',
        "count": "${string(size(shards))}",
    }
    index = {"id": "index", "template": config_map("${schema.metadata.name}-index", data)}
    return Blueprint(
        RgdParts(schema, [shards, named, index]),
        values={"names": list(_NAMES)},
        # One element goes and another comes.
        update={"names": [*_NAMES[:-1], "round-{{round}}"]},
    )


FOR_EACH = ScenarioSpec(
    Scenario.FOR_EACH,
    stands_for="shards and tenants: collections whose size the instance decides",
    stresses="forEach over one and two dimensions, readiness of each element, and CEL over "
    "whole collections",
    children=_TIERS * _SHARDS_PER_TIER + len(_NAMES) + _INDEX,
    build=_for_each,
)


def _cel_heavy(_kind: str) -> Blueprint:
    schema = {
        "types": {
            "Service": {
                "name": "string | required=true",
                "port": "integer | default=80",
                "tier": 'string | default="std" enum="std,gold"',
                "tags": "[]string",
            }
        },
        "spec": {
            "env": 'string | default="dev" enum="dev,stage,prod"',
            "domain": 'string | default="Example.COM"',
            "replicas": "integer | default=1 minimum=1 maximum=20",
            "limits": {"cpu": 'string | default="250m"'},
            "labels": "map[string]string",
            "services": "[]Service",
        },
        "status": {
            "goldCount": '${size(schema.spec.services.filter(s, s.tier == "gold"))}',
            "hash": "${rendered.data.hash}",
        },
    }
    # One entry for each kind of work: strings, lists, macros, quantities, encodings, hashes.
    services = "schema.spec.services"
    expressions = {
        "size": 'schema.spec.env == "prod" ? "large" : '
        '(schema.spec.env == "stage" ? "medium" : "small")',
        "names": f'{services}.map(s, s.name).join(",")',
        "sorted": f'{services}.map(s, s.name + ":" + string(s.port)).sort().join(" ")',
        "gold": f'{services}.filter(s, s.tier == "gold").map(s, s.name.upperAscii()).join("|")',
        "allHttp": f"string({services}.all(s, s.port < 9000))",
        "anyGold": f'string({services}.exists(s, s.tier == "gold"))',
        "oneAdmin": f'string({services}.exists_one(s, s.name.startsWith("admin")))',
        "tags": f'{services}.map(s, s.?tags.orValue([])).flatten().distinct().sort().join(",")',
        "nested": f"string({services}.map(s, "
        's.?tags.orValue([]).filter(t, t.matches("^x-.*")).size()).sum())',
        "host": '"%s.%s".format([schema.metadata.name, schema.spec.domain.lowerAscii()])',
        "root": 'schema.spec.domain.lowerAscii().split(".")[0].replace("-", "_")',
        "milli": 'string(quantity(schema.spec.limits.cpu).isGreaterThan(quantity("200m")))',
        "bound": "cel.bind(n, schema.spec.replicas * 3, "
        'n > 10 ? "big-" + string(n) : "small-" + string(n))',
        "labelKeys": "schema.spec.?labels.orValue({})"
        '.transformList(k, v, k + "=" + v).sort().join(",")',
        "json": f"json.marshal({services})",
        "hash": f'"%x".format([hash.sha256(json.marshal({services}))])',
        "b64": "base64.encode(bytes(schema.spec.domain))",
    }
    rendered = config_map(
        "${schema.metadata.name}-rendered",
        {key: f"${{{expression}}}" for key, expression in expressions.items()},
    )
    rendered["metadata"]["labels"] = (
        '${{"env": schema.spec.env}.merge(schema.spec.?labels.orValue({}))}'
    )
    data = {
        "first": '${rendered.data.names.split(",")[0]}',
        "short": "${rendered.data.hash.substring(0, 12)}",
    }
    followup = {
        "id": "followup",
        "includeWhen": [
            '${schema.spec.services.exists(s, s.tier == "gold")}',
            '${rendered.data.size != ""}',
        ],
        "template": config_map("${schema.metadata.name}-followup", data),
    }
    values = {
        "env": "prod",
        "replicas": 5,
        "labels": {"team": "platform"},
        "services": [
            {"name": "admin", "port": 8443, "tier": "gold", "tags": ["x-internal", "tls"]},
            {"name": "api", "port": 8080, "tags": ["x-public", "tls"]},
            {"name": "web", "tags": ["x-public"]},
        ],
    }
    return Blueprint(
        RgdParts(schema, [{"id": "rendered", "template": rendered}, followup]),
        values=values,
        update={"domain": "round-{{round}}.Example.COM"},
    )


CEL_HEAVY = ScenarioSpec(
    Scenario.CEL_HEAVY,
    stands_for="configuration that is computed: two ConfigMaps rendered from a nested spec",
    stresses="compiling and evaluating CEL: macros, lists, quantities, JSON, hashes; and memory "
    "for each compiled graph",
    children=2,
    build=_cel_heavy,
)
