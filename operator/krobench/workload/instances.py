"""The specs of instances: generated from the RGD's schema, with the user's values over them."""

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from krobench.workload.blueprint import Manifest, WorkloadError
from krobench.workload.patterns import sample
from krobench.workload.placeholders import Turn, filled
from krobench.workload.references import Path, ResourceGraph
from krobench.workload.simpleschema import Field, spec_schema

_UNIQUE = ("name", "uid", "resourceVersion", "selfLink")
"""Fields of metadata that differ between instances."""
_TRIES = 50


@dataclass(frozen=True)
class InstanceSpecs:
    """Makes the spec of each instance."""

    schema: Field
    values: Manifest
    """The user's, with placeholders, over what is generated."""
    path: str
    """That of the values, for messages."""
    seed: int = 0
    generated: bool = False
    """Whether what the values leave open is generated."""
    needed: frozenset[Path] = frozenset()
    """Fields that expressions need, without a default."""
    varying: frozenset[Path] = frozenset()
    """Fields that names of children are made from."""
    located: frozenset[Path] = frozenset()
    """Fields that say in which existing namespace children are."""

    def make(self, name: str, namespace: str, index: int) -> Manifest:
        """Return the spec of an instance.

        Raises:
            WorkloadError: if a field needs a value that cannot be made; it names the field.
        """
        turn = Turn(index, seed=self.seed)
        own = filled(self.values, turn, self.schema, self.path)
        if not self.generated:
            return dict(own)
        made = _Maker(self, name, namespace, index).struct(self.schema, (), own)
        return {} if made is None else made


def own_specs(manifest: Manifest, values: Manifest, path: str, seed: int) -> InstanceSpecs:
    """Return what makes the specs of the instances of a user's own RGD.

    Fields are generated that are required, or that an expression needs and that have no default.
    Those that names of children are made from vary, unless these names have the instance's own.
    """
    graph, schema = ResourceGraph(manifest), spec_schema(manifest["spec"]["schema"])
    varying: set[Path] = set()
    located: set[Path] = set()
    made_namespaces: set[Path] = set()
    for name, resource in graph.templates.items():
        sources = graph.name_of(name)
        if not any(_is_unique(each) for each in sources):
            varying |= sources
        if resource["template"].get("kind") == "Namespace":
            made_namespaces |= sources
    for name in graph.templates:
        located |= graph.namespace_of(name)
    located -= made_namespaces | varying
    return InstanceSpecs(
        schema,
        values,
        path,
        seed,
        generated=True,
        needed=frozenset(_inner(graph.needed_of_schema())),
        varying=frozenset(_inner(varying)),
        located=frozenset(_inner(located)),
    )


def shared_child(manifest: Manifest, instances: Iterable[Manifest]) -> str | None:
    """Return the id of a resource that has the same name for two of these instances.

    Resources that only some instances may include are not looked at.
    """
    graph, schema = ResourceGraph(manifest), spec_schema(manifest["spec"]["schema"])
    identities: dict[str, list[Path]] = {}
    for name, resource in graph.templates.items():
        paths = sorted(graph.name_of(name) | graph.namespace_of(name))
        certain = graph.has_name(name) and not resource.get("includeWhen")
        if certain and not any(_is_unique(path) for path in paths):
            identities[name] = paths
    seen: dict[str, set[str]] = {name: set() for name in identities}
    for instance in instances:
        for name, paths in identities.items():
            key = repr([_value(instance, schema, path) for path in paths])
            if key in seen[name]:
                return name
            seen[name].add(key)
    return None


def _is_unique(path: Path) -> bool:
    """Whether a field of the instance differs between any two instances."""
    return path[:1] == ("metadata",) and (len(path) == 1 or path[1] in _UNIQUE)


def _inner(paths: Iterable[Path]) -> Iterable[Path]:
    """Return those of the paths that lead into the spec, from there on."""
    return (path[1:] for path in paths if path[:1] == ("spec",))


def _value(instance: Manifest, schema: Field, path: Path) -> Any:
    value: Any = instance
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None and path[:1] == ("spec",):
        declared = schema.at(path[1:])
        return None if declared is None else declared.default
    return value


_MISSING: Any = object()


@dataclass
class _Maker:
    """Generates one instance's spec."""

    specs: InstanceSpecs
    name: str
    namespace: str
    index: int
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        # Seeded to be repeatable.
        self.rng = random.Random(f"values/{self.specs.seed}")  # noqa: S311

    def struct(self, schema: Field, path: Path, own: Any, *, vary: bool = False) -> Any:
        """Return the fields of a struct: those given, and those that must be there."""
        if own is not _MISSING and not isinstance(own, dict):
            return own
        given: Manifest = {} if own is _MISSING else own
        made = {}
        for name, inner in schema.fields.items():
            at = (*path, name)
            if name in given or self._wanted(inner, at, vary=vary):
                made[name] = self.value(inner, at, given.get(name, _MISSING), vary=vary)
        made |= {name: value for name, value in given.items() if name not in schema.fields}
        return {name: value for name, value in made.items() if value is not None}

    def value(self, schema: Field, path: Path, own: Any, *, vary: bool = False) -> Any:
        vary = vary or path in self.specs.varying
        if schema.type == "struct":
            return self.struct(schema, path, own, vary=vary)
        if own is not _MISSING:
            return own
        if path in self.specs.located and schema.type == "string":
            return self.namespace
        if schema.type == "list":
            count = max(1, int(schema.markers.get("minItems", "1")))
            item = schema.item or Field("")
            return [
                self.value(item, (*path, str(at)), _MISSING, vary=vary or count > 1)
                for at in range(count)
            ]
        if schema.type == "map":
            return self._map(schema, path, vary=vary)
        return self._leaf(schema, path, vary=vary)

    def _map(self, schema: Field, path: Path, *, vary: bool) -> Any:
        depth = len(path)
        wanted = self.specs.needed | self.specs.varying
        keys = {each[depth] for each in wanted if each[:depth] == path and len(each) > depth}
        item = schema.item or Field("")
        if vary and not keys:
            keys = {self.name}
        return {key: self.value(item, (*path, key), _MISSING, vary=vary) for key in sorted(keys)}

    def _wanted(self, schema: Field, path: Path, *, vary: bool) -> bool:
        specs = self.specs
        if schema.required or path in specs.varying or path in specs.located:
            return True
        if vary and schema.type in ("string", "integer") and "default" not in schema.markers:
            return True
        inside = (specs.varying, specs.located)
        if any(each[: len(path)] == path for paths in inside for each in paths):
            return True
        return schema.default is None and any(each[: len(path)] == path for each in specs.needed)

    def _leaf(self, schema: Field, path: Path, *, vary: bool) -> Any:
        markers = schema.markers
        if "enum" in markers:
            options = [each.strip() for each in markers["enum"].split(",")]
            chosen = self.rng.choice(options)
            return chosen if schema.type == "string" else int(chosen)
        match schema.type:
            case "string":
                return self._text(schema, path, vary=vary)
            case "integer":
                return self._integer(markers, path, vary=vary)
            case "float":
                return float(markers.get("minimum", min(1.0, float(markers.get("maximum", "1")))))
            case "boolean":
                return True
            case _:
                return {}

    def _integer(self, markers: Mapping[str, str], path: Path, *, vary: bool) -> int:
        low = int(float(markers.get("minimum", "0" if vary else "1")))
        high = int(float(markers["maximum"])) if "maximum" in markers else None
        if high is not None and low > high:
            low = high
        at = self.index + (int(path[-1]) if path[-1].isdigit() else 0) if vary else 0
        return low + (at if high is None else at % (high - low + 1))

    def _text(self, schema: Field, path: Path, *, vary: bool) -> str:
        markers = schema.markers
        least = int(markers.get("minLength", "0"))
        most = int(markers.get("maxLength", "253"))
        pattern = markers.get("pattern")
        position = f"-{path[-1]}" if path[-1].isdigit() and path[-1] != "0" else ""
        plain = (
            [
                f"{self.name}{position}",
                f"i{self.index}{position}",
                f"i{self.index:0{max(least - 1, 1)}d}",
            ]
            if vary
            else [_plausible(path), "1", "1" * least, (_plausible(path) * (least + 1))[:most]]
        )
        for text in plain:
            if least <= len(text) <= most and _matches(pattern, text):
                return text
        seed = f"{self.specs.seed}/{'.'.join(path)}/{self.index if vary else ''}"
        rng = random.Random(seed)  # noqa: S311
        for _ in range(_TRIES if pattern else 0):
            text = sample(pattern or "", rng) or ""
            if least <= len(text) <= most and _matches(pattern, text):
                return text
        raise WorkloadError(
            f"{self.specs.path}.{'.'.join(path)}: no value could be generated for "
            f"{' '.join(f'{key}={value}' for key, value in markers.items())}: set it"
        )


_SIZED = re.compile(
    r"cpu|memory|storage|size|capacity|quota|limit|request|count|number|port|version", re.IGNORECASE
)


def _plausible(path: Path) -> str:
    """Return a text that most fields of this name take: sizes a number, others a DNS label."""
    name = next((each for each in reversed(path) if not each.isdigit()), "value")
    if _SIZED.search(name):
        return "1"
    label = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z])([A-Z])", r"-\1", name).lower())
    return label.strip("-") or "value"


def _matches(pattern: str | None, text: str) -> bool:
    if pattern is None:
        return True
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True  # Go's syntax may differ: the API server decides


def changed(schema: Field, spec: Any, patch: Any) -> bool:
    """Whether a merge patch changes a spec; the API server drops what the schema does not have."""
    if not isinstance(patch, dict) or not isinstance(spec, dict):
        return bool(spec != patch)
    known = {
        name: (inner, value)
        for name, value in patch.items()
        if (inner := schema.at((name,))) is not None or schema.type != "struct"
    }
    return any(
        changed(inner or Field(""), spec.get(name), value) for name, (inner, value) in known.items()
    )
