"""What the CEL expressions of an RGD refer to: fields of the instance, and other resources."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from krobench.workload.blueprint import Manifest

Path = tuple[str, ...]

_STRING = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_REFERENCE = re.compile(
    r"""(?<![\w.]) ([A-Za-z_]\w*)
    ( (?: \.\??[A-Za-z_]\w* | \[\??(?:"[^"]*"|'[^']*')\] )* ) (\s*\()?""",
    re.VERBOSE,
)
_SEGMENT = re.compile(r"""\.(\??)([A-Za-z_]\w*)|\[(\??)["']([^"']*)["']\]""")
_GUARD = re.compile(r"\bhas\(([^()]*)\)")


@dataclass(frozen=True)
class Reference:
    root: str
    """``schema``, the id of a resource, or a variable."""
    path: Path
    guarded: bool
    """Whether the expression copes with its absence: ``has(x)`` or ``x.?y``."""


@dataclass(frozen=True)
class ExternalObject:
    """An object that an RGD reads and does not create."""

    resource: str
    """Id of the resource in the RGD."""
    api_version: str
    kind: str
    name: str
    namespace: str
    """Empty: that of the instance."""


def expressions(value: Any) -> Iterator[str]:
    """Yield all expressions, ``${…}``, in the strings of a value."""
    if isinstance(value, str):
        yield from _expressions(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)


def _expressions(text: str) -> Iterator[str]:
    start = text.find("${")
    while start >= 0:
        depth, at, quote = 1, start + 2, ""
        while at < len(text) and depth:
            char = text[at]
            if quote:
                at += char == "\\"
                quote = "" if char == quote else quote
            elif char in "\"'":
                quote = char
            else:
                depth += (char == "{") - (char == "}")
            at += 1
        yield text[start + 2 : at - (depth == 0)]
        start = text.find("${", at)


def references(expression: str) -> Iterator[Reference]:
    """Yield what an expression refers to; not functions, and not what is in quotes."""
    guards = {found.strip() for found in _GUARD.findall(expression)}
    # A name in quotes is only a key: x["a-b"]. Other strings are emptied.
    plain = _STRING.sub(
        lambda m: m.group() if expression[max(0, m.start() - 1)] in "[?" else '""', expression
    )
    for found in _REFERENCE.finditer(plain):
        root, rest, call = found.groups()
        segments = _SEGMENT.findall(rest)
        if call:
            segments = segments[:-1]
            if not rest:
                continue
        path = tuple(name or key for _, name, _, key in segments)
        optional = any(a or b for a, _, b, _ in segments)
        guarded = optional or any(_within(root + _dotted(path), guard) for guard in guards)
        yield Reference(root, path, guarded)


def _dotted(path: Path) -> str:
    return "".join(f".{name}" for name in path)


def _within(text: str, guard: str) -> bool:
    return text == guard or text.startswith(f"{guard}.")


class ResourceGraph:
    """The resources of an RGD, and which fields of the instance their names depend on."""

    def __init__(self, manifest: Manifest) -> None:
        resources = manifest["spec"].get("resources") or []
        self._resources: Mapping[str, Manifest] = {
            item["id"]: item for item in resources if isinstance(item.get("id"), str)
        }
        self._manifest = manifest

    @property
    def templates(self) -> dict[str, Manifest]:
        """The resources that kro creates, by id."""
        return {
            name: item
            for name, item in self._resources.items()
            if isinstance(item.get("template"), dict)
        }

    @property
    def fixed_namespaces(self) -> dict[str, str]:
        """The namespaces that templates name literally and the RGD does not create, with an id."""
        found: dict[str, str] = {}
        made = set()
        for name, item in self.templates.items():
            metadata = item["template"].get("metadata")
            if not isinstance(metadata, dict):
                continue
            if item["template"].get("kind") == "Namespace":
                made.add(metadata.get("name"))
            namespace = metadata.get("namespace")
            if isinstance(namespace, str) and namespace and "${" not in namespace:
                found.setdefault(namespace, name)
        return {namespace: name for namespace, name in found.items() if namespace not in made}

    @property
    def fixed_references(self) -> list[ExternalObject]:
        """The existing objects that the RGD names literally."""
        found = []
        for name, item in self._resources.items():
            reference = item.get("externalRef")
            if not isinstance(reference, dict) or not {"apiVersion", "kind"} <= reference.keys():
                continue
            metadata = reference.get("metadata")
            if not isinstance(metadata, dict):
                continue
            api_version, kind = str(reference["apiVersion"]), str(reference["kind"])
            named, namespace = metadata.get("name"), metadata.get("namespace") or ""
            if isinstance(named, str) and "${" not in f"{named}{namespace}":
                found.append(ExternalObject(name, api_version, kind, named, str(namespace)))
        return found

    def needed_of_schema(self) -> set[Path]:
        """Return the fields of the instance that some expression does not cope without.

        The condition under which a resource is included guards all expressions of the resource.
        """
        found: set[Path] = set()
        for item in self._manifest["spec"].get("resources") or []:
            conditions = _of_schema(item.get("includeWhen"))
            guards = {each.path for each in conditions if each.guarded}
            found |= {
                each.path
                for each in _of_schema(item)
                if not each.guarded
                and not any(each.path[: len(guard)] == guard for guard in guards)
            }
        schema = self._manifest["spec"]["schema"]
        return found | {each.path for each in _of_schema(schema) if not each.guarded}

    def has_name(self, resource: str) -> bool:
        """Whether a template names its object; one that does not is kro's to refuse."""
        metadata = self._resources[resource]["template"].get("metadata")
        return isinstance(metadata, str) or (isinstance(metadata, dict) and "name" in metadata)

    def name_of(self, resource: str) -> set[Path]:
        """Return the fields of the instance that a resource's name depends on."""
        return self._identity(resource, "name", frozenset())

    def namespace_of(self, resource: str) -> set[Path]:
        """Return the fields of the instance that a resource's namespace depends on."""
        return self._identity(resource, "namespace", frozenset())

    def _identity(self, resource: str, part: str, seen: frozenset[str]) -> set[Path]:
        item = self._resources[resource]
        body = item.get("template") or item.get("externalRef") or {}
        metadata = body.get("metadata") or {}
        value = metadata.get(part) if isinstance(metadata, dict) else metadata
        return self._sources(resource, value, seen | {resource})

    def _sources(self, resource: str, value: Any, seen: frozenset[str]) -> set[Path]:
        iterators = {
            name: text
            for each in self._resources[resource].get("forEach") or []
            if isinstance(each, dict)
            for name, text in each.items()
        }
        found: set[Path] = set()
        texts = list(expressions(value))
        for text in texts:
            for each in references(text):
                if each.root == "schema":
                    found.add(each.path)
                elif each.root in iterators:
                    texts += expressions(iterators.pop(each.root))
                elif each.root in self._resources and each.root not in seen:
                    found |= self._of_resource(each, seen)
        return found

    def _of_resource(self, reference: Reference, seen: frozenset[str]) -> set[Path]:
        """Return what a value of another resource depends on: at least on its identity."""
        value: Any = self._resources[reference.root].get("template")
        for name in reference.path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str):
            return self._sources(reference.root, value, seen | {reference.root})
        return self._identity(reference.root, "name", seen) | self._identity(
            reference.root, "namespace", seen
        )


def _of_schema(value: Any) -> list[Reference]:
    """Return the references to the instance in all expressions of a value."""
    found = (each for text in expressions(value) for each in references(text))
    return [each for each in found if each.root == "schema"]
