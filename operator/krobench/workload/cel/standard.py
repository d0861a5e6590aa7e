"""The standard suite: families of expressions at three levels, each with its expected value.

The texts are what RGD authors write. The values are small, unless size is what is measured.
"""

import hashlib
import json
from typing import Any

from krobench.api.specs.cel import CelFamily, CelLevel
from krobench.figures import cel as results
from krobench.workload.blueprint import Manifest
from krobench.workload.cel.expression import Expression

_SIMPLE, _MEDIUM, _COMPLEX = CelLevel.SIMPLE, CelLevel.MEDIUM, CelLevel.COMPLEX

_APP: Manifest = {
    "name": "shop",
    "env": "prod",
    "replicas": 3,
    "enabled": True,
    "region": "eu-west-1",
}
_TREE: Manifest = {
    "app": {"image": {"name": "web", "tag": "v1.2"}, "port": 8080},
    "index": 1,
    "containers": [
        {"name": "main", "ports": [{"name": "http", "port": 80}]},
        {"name": "side", "ports": [{"name": "admin", "port": 90}, {"name": "probe", "port": 91}]},
    ],
}
_SERVICES: list[Manifest] = [
    {"name": "admin", "port": 8443, "tier": "gold", "tags": ["tls", "internal"]},
    {"name": "api", "port": 8080, "tier": "gold", "tags": ["tls", "public"]},
    {"name": "web", "port": 80, "tier": "std", "tags": ["public"]},
]
_LABELS: dict[str, Any] = {
    "types": {"labels": "map[string]string"},
}
_TEAM = {"team": "platform", "env": "prod", "zone": "a"}
_MANY = {f"k{number:02d}": f"v{number}" for number in range(50)}
_DOMAIN = "Shop.Example.COM"
_STRUCT_JSON = json.dumps(_TREE["app"], separators=(",", ":"), sort_keys=True)

FIELD_ACCESS = Expression(
    results.FIELD_ACCESS,
    "schema.spec.name",
    "shop",
    _SIMPLE,
    CelFamily.FIELD_ACCESS,
    values=_APP,
)
"""What all others are compared with."""


def _numbers(count: int, level: CelLevel, copies: int) -> Expression:
    return Expression(
        f"list-of-{count}",
        "string(schema.spec.numbers.map(n, n * 2).sum())",
        str(count * (count - 1)),
        level,
        CelFamily.LIST_COMPREHENSION,
        values={"numbers": list(range(count))},
        copies=copies,
    )


_FIELDS = (
    FIELD_ACCESS,
    Expression(
        "field-access-two",
        'schema.spec.name + "-" + schema.spec.env',
        "shop-prod",
        _MEDIUM,
        CelFamily.FIELD_ACCESS,
        values=_APP,
    ),
    Expression(
        "field-access-five",
        'schema.spec.name + "." + schema.spec.env + "." + schema.spec.region + "." '
        '+ string(schema.spec.replicas) + "." + string(schema.spec.enabled)',
        "shop.prod.eu-west-1.3.true",
        _COMPLEX,
        CelFamily.FIELD_ACCESS,
        values=_APP,
    ),
)

_TERNARIES = (
    Expression(
        "ternary",
        'schema.spec.enabled ? "on" : "off"',
        "on",
        _SIMPLE,
        CelFamily.TERNARY,
        values=_APP,
    ),
    Expression(
        "ternary-nested",
        'schema.spec.env == "dev" ? "small" : (schema.spec.env == "stage" ? "medium" : "large")',
        "large",
        _MEDIUM,
        CelFamily.TERNARY,
        values=_APP,
    ),
    Expression(
        "ternary-conditions",
        'schema.spec.enabled && schema.spec.replicas >= 3 && schema.spec.env == "prod" '
        '&& schema.spec.region.startsWith("eu-") ? schema.spec.name + "-ha" '
        ': (schema.spec.replicas > 1 ? schema.spec.name + "-multi" : schema.spec.name)',
        "shop-ha",
        _COMPLEX,
        CelFamily.TERNARY,
        values=_APP,
    ),
)

_NESTED = (
    Expression(
        "nested-field",
        "schema.spec.app.image.tag",
        "v1.2",
        _SIMPLE,
        CelFamily.NESTED_ACCESS,
        values=_TREE,
    ),
    Expression(
        "nested-list",
        "schema.spec.containers[1].ports[0].name",
        "admin",
        _MEDIUM,
        CelFamily.NESTED_ACCESS,
        values=_TREE,
    ),
    Expression(
        "nested-computed",
        'schema.spec.app.image.name + ":" + schema.spec.app.image.tag + "@" '
        "+ schema.spec.containers[schema.spec.index].ports[1].name "
        "+ string(schema.spec.containers[schema.spec.index].ports[1].port)",
        "web:v1.2@probe91",
        _COMPLEX,
        CelFamily.NESTED_ACCESS,
        values=_TREE,
    ),
)

_LISTS = (
    _numbers(10, _SIMPLE, copies=50),
    _numbers(100, _MEDIUM, copies=20),
    _numbers(1000, _COMPLEX, copies=5),
    Expression(
        "list-filter",
        'schema.spec.services.filter(s, s.tier == "gold").map(s, s.name).join(",")',
        "admin,api",
        _MEDIUM,
        CelFamily.LIST_COMPREHENSION,
        values={"services": _SERVICES},
    ),
)

_MAPS = (
    Expression(
        "map-exists",
        'schema.spec.labels.exists(k, k == "team") ? "owned" : "orphan"',
        "owned",
        _SIMPLE,
        CelFamily.MAP_COMPREHENSION,
        values={"labels": _TEAM},
        **_LABELS,
    ),
    Expression(
        "map-to-list",
        'schema.spec.labels.transformList(k, v, k + "=" + v).sort().join(",")',
        "env=prod,team=platform,zone=a",
        _MEDIUM,
        CelFamily.MAP_COMPREHENSION,
        values={"labels": _TEAM},
        **_LABELS,
    ),
    Expression(
        "map-of-50",
        'schema.spec.labels.transformMap(k, v, k.endsWith("5"), v + "!")'
        ".transformList(k, v, v).sort()[0]",
        "v15!",
        _COMPLEX,
        CelFamily.MAP_COMPREHENSION,
        values={"labels": _MANY},
        copies=20,
        **_LABELS,
    ),
)

_STRINGS = (
    Expression(
        "string-lower",
        "schema.spec.domain.lowerAscii()",
        _DOMAIN.lower(),
        _SIMPLE,
        CelFamily.STRING_FUNCTIONS,
        values={"domain": _DOMAIN},
    ),
    Expression(
        "string-split",
        'schema.spec.domain.lowerAscii().split(".").join("-").replace("example", "corp")',
        "shop-corp-com",
        _MEDIUM,
        CelFamily.STRING_FUNCTIONS,
        values={"domain": _DOMAIN},
    ),
    Expression(
        "string-format",
        'schema.spec.domain.matches("^[A-Za-z.]+$") '
        '? "%s/%s:%d".format([schema.spec.domain.lowerAscii(), '
        'schema.spec.domain.split(".")[0].upperAscii(), schema.spec.domain.size()]) : "bad"',
        "shop.example.com/SHOP:16",
        _COMPLEX,
        CelFamily.STRING_FUNCTIONS,
        values={"domain": _DOMAIN},
    ),
)

_LIBRARIES = (
    Expression(
        "quantity",
        'quantity(schema.spec.cpu).isGreaterThan(quantity("200m")) ? "big" : "small"',
        "big",
        _SIMPLE,
        CelFamily.QUANTITY_JSON_HASH,
        values={"cpu": "250m"},
    ),
    Expression(
        "json",
        "json.marshal(schema.spec.app)",
        _STRUCT_JSON,
        _MEDIUM,
        CelFamily.QUANTITY_JSON_HASH,
        values={"app": _TREE["app"]},
    ),
    Expression(
        "hash-of-json",
        '"%x".format([hash.sha256(json.marshal(schema.spec.app))])',
        hashlib.sha256(_STRUCT_JSON.encode()).hexdigest(),
        _COMPLEX,
        CelFamily.QUANTITY_JSON_HASH,
        values={"app": _TREE["app"]},
    ),
)

_OPTIONAL_TYPES = {"nickname": "string", "replicas": "integer"}
_OPTIONALS = (
    Expression(
        "optional-absent",
        'schema.spec.?nickname.orValue("none")',
        "none",
        _SIMPLE,
        CelFamily.OPTIONAL_TYPES,
        values={"replicas": 3},
        types=_OPTIONAL_TYPES,
    ),
    Expression(
        "optional-chain",
        'schema.spec.?app.?image.?tag.orValue("latest")',
        "v1.2",
        _MEDIUM,
        CelFamily.OPTIONAL_TYPES,
        values=_TREE,
    ),
    Expression(
        "optional-in-list",
        'schema.spec.services.map(s, s.?tags.orValue([])).flatten().distinct().sort().join(",")',
        "internal,public,tls",
        _COMPLEX,
        CelFamily.OPTIONAL_TYPES,
        values={"services": _SERVICES},
    ),
)

# What an author decides: one long expression or many short ones, a part said twice or bound to a
# name, the same text in many places, the same text in two RGDs.
_PART = '(schema.spec.env == "prod" ? schema.spec.name : "none")'
_GOLD = 'schema.spec.services.filter(s, s.tier == "gold").map(s, s.name).join(",")'
_SPLIT = _STRINGS[1]
_PATTERNS = (
    Expression("short", _PART, "shop", _SIMPLE, CelFamily.PATTERNS, values=_APP),
    Expression(
        "ten-in-one",
        " + ".join([_PART] * 10),
        "shop" * 10,
        _COMPLEX,
        CelFamily.PATTERNS,
        values=_APP,
    ),
    Expression(
        "said-five-times",
        " + ".join([_GOLD] * 5),
        "admin,api" * 5,
        _COMPLEX,
        CelFamily.PATTERNS,
        values={"services": _SERVICES},
        copies=20,
    ),
    Expression(
        "bound-once",
        f"cel.bind(gold, {_GOLD}, gold + gold + gold + gold + gold)",
        "admin,api" * 5,
        _COMPLEX,
        CelFamily.PATTERNS,
        values={"services": _SERVICES},
        copies=20,
    ),
    Expression(
        "same-text",
        _SPLIT.text,
        _SPLIT.expected,
        _MEDIUM,
        CelFamily.PATTERNS,
        values=_SPLIT.values,
        distinct=False,
    ),
    Expression(
        "second-rgd",
        _SPLIT.text,
        _SPLIT.expected,
        _MEDIUM,
        CelFamily.PATTERNS,
        values=_SPLIT.values,
    ),
)

STANDARD: tuple[Expression, ...] = (
    *_FIELDS,
    *_TERNARIES,
    *_NESTED,
    *_LISTS,
    *_MAPS,
    *_STRINGS,
    *_LIBRARIES,
    *_OPTIONALS,
    *_PATTERNS,
)
"""All families, in the order in which they are reported."""
