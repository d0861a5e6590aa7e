"""Few objects, and many expressions of all of CEL's libraries."""

from krobench.api.specs.workload.workload import Scenario
from krobench.workload.blueprint import Blueprint, Manifest, RgdParts, config_map
from krobench.workload.scenarios.spec import ScenarioSpec


def _schema() -> Manifest:
    return {
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


def _expressions() -> dict[str, str]:
    """One entry for each kind of work: strings, lists, macros, quantities, encodings, hashes."""
    services = "schema.spec.services"
    return {
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


def _rendered() -> Manifest:
    template = config_map(
        "${schema.metadata.name}-rendered",
        {key: f"${{{expression}}}" for key, expression in _expressions().items()},
    )
    template["metadata"]["labels"] = (
        '${{"env": schema.spec.env}.merge(schema.spec.?labels.orValue({}))}'
    )
    return {"id": "rendered", "template": template}


def _followup() -> Manifest:
    data = {
        "first": '${rendered.data.names.split(",")[0]}',
        "short": "${rendered.data.hash.substring(0, 12)}",
    }
    return {
        "id": "followup",
        "includeWhen": [
            '${schema.spec.services.exists(s, s.tier == "gold")}',
            '${rendered.data.size != ""}',
        ],
        "template": config_map("${schema.metadata.name}-followup", data),
    }


def _values() -> Manifest:
    return {
        "env": "prod",
        "replicas": 5,
        "labels": {"team": "platform"},
        "services": [
            {"name": "admin", "port": 8443, "tier": "gold", "tags": ["x-internal", "tls"]},
            {"name": "api", "port": 8080, "tags": ["x-public", "tls"]},
            {"name": "web", "tags": ["x-public"]},
        ],
    }


CEL_HEAVY = ScenarioSpec(
    Scenario.CEL_HEAVY,
    stands_for="configuration that is computed: two ConfigMaps rendered from a nested spec",
    stresses="compiling and evaluating CEL: macros, lists, quantities, JSON, hashes; and memory "
    "for each compiled graph",
    children=2,
    build=lambda _kind: Blueprint(
        RgdParts(_schema(), [_rendered(), _followup()]),
        values=_values(),
        update={"domain": "round-{{round}}.Example.COM"},
    ),
)
