"""The pages of the custom resources, from their CRDs."""

import re
from collections.abc import Iterator

from krobench.api.crd import DEFAULT_WORDS, Schema, crd
from krobench.api.kinds import TEMPLATES, Kind
from scripts.reference.markdown import page, table, text


def resource_page(kind: Kind) -> str:
    """Every field of a custom resource, from its CRD."""
    definition = crd(kind)
    names = definition["spec"]["names"]
    version = definition["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    columns = [
        [
            f"`{column['name'].upper()}`",
            f"`{column['jsonPath'].removeprefix('.')}`",
            "with `-o wide`" if "priority" in column else "always",
        ]
        for column in version["additionalPrinterColumns"]
    ]
    about = f"API version `{definition['spec']['group']}/{version['name']}`, short name "
    about += f"`{names['shortNames'][0]}`, namespaced. `kubectl explain {names['singular']}.spec` "
    about += "shows the same in a terminal. In a path, `[]` stands for any item of a list."
    return page(
        "the models in operator/krobench/api",
        kind.value,
        text(schema["description"]),
        about,
        *_rules(schema),
        "## Columns of kubectl get",
        table(["column", "field", "shown"], columns),
        "## spec",
        *_object("spec", schema["properties"]["spec"]),
        "## status",
        *_object("status", schema["properties"]["status"]),
    )


# Specs that are another kind's, by their path.
_SPECS_OF = {f"spec.{template}.spec": kind for template, kind in TEMPLATES.items()}


def _object(path: str, schema: Schema) -> Iterator[str]:
    """The table of an object's fields, then those of the objects in it."""
    if kind := _SPECS_OF.get(path):
        yield f"Its fields are those of [{kind}]({kind.singular}.md#spec)."
        return
    yield from _rules(schema)
    # Old names of fields are in the schema only to be refused with the new one.
    fields = {
        name: field
        for name, field in schema["properties"].items()
        if not field.get("description", "").startswith("Renamed:")
    }
    # A required field with an old name is optional in the schema, and a rule requires it.
    messages = {rule["message"] for rule in _validations(schema)}
    required = {name for name in fields if f"{name} must be set" in messages}
    required |= set(schema.get("required", ()))
    rows = []
    for name, field in fields.items():
        # The default is in the description: inside lists, the schema has no defaults.
        about, _, default = text(field.get("description")).partition(DEFAULT_WORDS)
        shown = f"`{default.removesuffix('.')}`" if default else ""
        rows.append(
            [
                _name(path, name, field),
                _type(field),
                "required" if name in required else shown,
                about,
            ]
        )
    yield table(["field", "type", "default", "description"], rows)
    for name, field in fields.items():
        below, suffix = _fields_of(field)
        if below is not None:
            child = f"{path}.{name}{suffix}"
            yield f"### `{child}`"
            if about := text(field.get("description") or below.get("description")):
                yield about
            yield from _object(child, below)


def _fields_of(field: Schema) -> tuple[Schema | None, str]:
    """The schema whose fields have a table of their own, and what its path ends with."""
    for inner, suffix in (
        (field, ""),
        (field.get("items", {}), "[]"),
        (field.get("additionalProperties", {}), "{}"),
    ):
        # An object that may have any fields is not ours to describe.
        if "properties" in inner and not inner.get("x-kubernetes-preserve-unknown-fields"):
            return inner, suffix
    return None, ""


def _name(path: str, name: str, field: Schema) -> str:
    below, suffix = _fields_of(field)
    if below is None:
        return f"`{name}`"
    anchor = re.sub(r"[^\w-]", "", f"{path}.{name}{suffix}".lower())
    return f"[`{name}`](#{anchor})"


def _type(field: Schema) -> str:
    if choices := field.get("enum"):
        return ", ".join(f"`{choice}`" for choice in choices)
    kind: str = field.get("type", "any")
    if kind == "string":  # it has no table of its own to list its rules
        kind = "; ".join([kind, *(each["message"] for each in _validations(field))])
    if "items" in field:
        return f"list of {_type(field['items'])}"
    if isinstance(inner := field.get("additionalProperties"), dict):
        return f"map of {_type(inner)}"
    least, most = field.get("minimum"), field.get("maximum")
    for beside in field.get("allOf", ()):
        least = beside["minimum"]
    if least is not None and most is not None:
        return f"{kind}, {least:g} to {most:g}"
    if least is not None:
        return f"{kind}, at least {least:g}"
    return kind


def _rules(schema: Schema) -> Iterator[str]:
    rules = [rule for rule in _validations(schema) if " was renamed: " not in rule["message"]]
    if rules:
        yield "The API server refuses a resource that breaks one of these rules:"
        yield "\n".join(f"- {_rule(rule)}" for rule in rules)


def _rule(rule: Schema) -> str:
    path, message = rule.get("fieldPath", "").removeprefix("."), text(rule["message"])
    if message.startswith(f"{path}[]."):
        path, _, message = message.partition(": ")
    return f"`{path}`: {message}" if path else message


def _validations(schema: Schema) -> list[Schema]:
    found: list[Schema] = schema.get("x-kubernetes-validations", [])
    return found
