"""ResourceGraphDefinitions over the whole language of kro, some of which kro rejects."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Manifest = dict[str, Any]

BY_INSTANCE = "${schema.metadata.name}"
READY = "${runtime.newCondition({type: '%s', status: 'True', reason: 'Told', message: ''})}"
_FIELDS = {
    "owner": "string | default=me",
    "region": 'string | required=true enum="eu,us"',
    "code": 'string | required=true pattern="^[a-z]{3}-[0-9]{2}$"',
    "size": "integer | required=true minimum=2 maximum=5",
    "ratio": "float | default=0.5",
    "enabled": "boolean | default=true",
    "note": "string",
    "tags": "map[string]string",
    "zones": "[]string | required=true minItems=2",
    "extra": "object",
    "limits": {"cpu": "string | default=1", "deep": {"count": "integer | default=3"}},
    "ports": "[]port | required=true",
    "rules": "[]rule",
    "byName": "map[string]port",
}
_TYPES = {
    "port": {"name": "string | default=http", "number": "integer | required=true"},
    "rule": {"hosts": "[]string", "to": "port", "weights": {"main": "integer | default=1"}},
}
_INNER = "GeneratedInner"
_TEXTS = (
    "${schema.spec.owner}",
    "${schema.spec.region + '-' + schema.spec.code}",
    "${string(schema.spec.size * 2)}",
    "${schema.spec.?note.orValue('none')}",
    "${has(schema.spec.tags) ? string(size(schema.spec.tags)) : '0'}",
    "${schema.spec.zones.join(',')}",
    "${string(schema.spec.limits.deep.count)}",
    "${schema.spec.ports.map(p, string(p.number)).join('/')}",
    "${schema.spec.?rules.orValue([]).map(r, string(r.to.number)).join('/')}",
    "${string(size(schema.spec.?byName.orValue({})))}",
    "${schema.spec.?extra.hasValue() ? 'extra' : 'none'}",
    "plain",
    "${schema.metadata.namespace}",
    "${json.marshal(schema.spec.zones)}",
)
_CLUSTER_TEXTS = tuple(each for each in _TEXTS if "namespace" not in each)


def _object(kind: str, name: str, text: str) -> Manifest:
    metadata: Manifest = {"name": name, "annotations": {"text": text}}
    match kind:
        case "ConfigMap":
            return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"text": text}}
        case "Secret":
            data = {"stringData": {"text": text}}
            return {"apiVersion": "v1", "kind": kind, "metadata": metadata} | data
        case "Service":
            open_ports: Manifest = {"selector": {"app": "none"}, "ports": [{"port": 80}]}
            return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": open_ports}
        case "Role" | "ClusterRole":
            rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
            about = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind}
            return about | {"metadata": metadata, "rules": rules}
        case "Deployment":
            labels = {"app": "none"}
            pod: Manifest = {
                "containers": [{"name": "main", "image": "registry.example.com/none:1"}]
            }
            spec: Manifest = {"replicas": 0, "selector": {"matchLabels": labels}}
            spec["template"] = {"metadata": {"labels": labels}, "spec": pod}
            return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}
        case _:
            return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


_KINDS = st.sampled_from(
    ["ConfigMap", "Secret", "Service", "Role", "ClusterRole", "Deployment", "ServiceAccount"]
)
_SHAPES = ["plain", "plain", "collection", "collection", "external", "nested"]
_SELECTORS = st.sampled_from(
    [
        {"matchLabels": {"bench.kro.run/none": "none"}},
        {"matchExpressions": [{"key": "bench.kro.run/none", "operator": "Exists"}]},
        {"matchExpressions": [{"key": "bench.kro.run/none", "operator": "DoesNotExist"}]},
    ]
)


def _is_single(item: Manifest) -> bool:
    return "forEach" not in item and "selector" not in item.get("externalRef", {}).get(
        "metadata", {}
    )


def _of(item: Manifest, draw: st.DrawFn) -> str:
    """Return a text that refers to a resource, one object or several."""
    name = item["id"]
    if not _is_single(item):
        return f"${{string(size({name}.map(x, x.metadata.name)) >= 0)}}"
    texts = [f"${{{name}.metadata.name}}", f"${{{name}.?metadata.?namespace.orValue('none')}}"]
    if _kind_of(item) == _INNER:
        texts.append(f"${{{name}.status.shown}}")
    return draw(st.sampled_from(texts))


def _external(draw: st.DrawFn) -> Manifest:
    """Return a reference to an object that exists, or to those that match a selector."""
    about: Manifest = {"name": "kube-root-ca.crt"}
    if draw(st.booleans()):
        about = {"selector": draw(_SELECTORS)}
    metadata = about | {"namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def _collection(draw: st.DrawFn, others: list[Manifest]) -> tuple[Manifest, str]:
    """Return what makes a resource a collection, and what its names end in."""
    item: Manifest = {"forEach": [{"zone": "${schema.spec.zones}"}]}
    suffix = "-${zone}"
    if draw(st.booleans()):
        item["forEach"].append({"at": "${lists.range(schema.spec.size)}"})
        suffix += "-${string(at)}"
    # kro rejects two collections of different kinds that both have one.
    if draw(st.booleans()) and not any("forEach" in each for each in others):
        item["readyWhen"] = ["${has(each.metadata.uid)}"]
    return item, suffix


def _conditions(draw: st.DrawFn, name: str, before: Manifest | None) -> Manifest:
    """Return when a single object is there, and when it is ready."""
    item: Manifest = {}
    included = ["${schema.spec.enabled}", "${true}", "${!schema.spec.enabled}"]
    if before is not None and _is_single(before):
        included.append(f"${{{before['id']}.metadata.name != ''}}")
    if draw(st.booleans()):
        item["includeWhen"] = [draw(st.sampled_from(included))]
    if draw(st.booleans()):
        item["readyWhen"] = [f"${{has({name}.metadata.uid)}}"]
    return item


@st.composite
def _resource(
    draw: st.DrawFn, others: list[Manifest], texts: tuple[str, ...], scope: str
) -> Manifest:
    """Return one more resource; it may refer to the one before it."""
    before = others[-1] if others else None
    item: Manifest = {"id": f"r{len(others)}"}
    name = draw(st.sampled_from([BY_INSTANCE, "${schema.spec.code}", "${schema.spec.owner}"]))
    name += f"-r{len(others)}"
    text, refers = draw(st.sampled_from(texts)), draw(st.booleans())
    if refers and before is not None:
        text = _of(before, draw)
    kind, shape = draw(_KINDS), draw(st.sampled_from(_SHAPES))
    if shape == "external":
        return item | {"externalRef": _external(draw)}
    if shape == "collection":
        more, suffix = _collection(draw, others)
        item, name, text = item | more, f"{name}{suffix}", "${zone}"
    else:
        item |= _conditions(draw, item["id"], before)
    if shape == "nested":
        about = {"name": f"{BY_INSTANCE}-{item['id']}"}
        item["template"] = {"apiVersion": "kro.run/v1alpha1", "kind": _INNER, "metadata": about}
        item["template"]["spec"] = {"text": text}
    else:
        item["template"] = _object(kind, name, text)
    if scope == "Cluster" and _kind_of(item) != "ClusterRole":
        item["template"]["metadata"]["namespace"] = "default"
    return item


def _kind_of(item: Manifest) -> str:
    """Return the kind of a resource's template; empty without one."""
    return str(item.get("template", {}).get("kind", ""))


def _spoiled(manifest: Manifest, how: str) -> Manifest:
    """Return the RGD with a fault that kro finds."""
    schema, resources = manifest["spec"]["schema"], manifest["spec"]["resources"]
    match how:
        case "unknown field":
            resources.append(
                {
                    "id": "bad",
                    "template": _object(
                        "ConfigMap", f"{BY_INSTANCE}-bad", "${schema.spec.nothing}"
                    ),
                }
            )
        case "unknown function":
            resources.append(
                {
                    "id": "bad",
                    "template": _object("ConfigMap", f"{BY_INSTANCE}-bad", "${nothing(1)}"),
                }
            )
        case "wrong type":
            resources.append(
                {
                    "id": "bad",
                    "template": _object("ConfigMap", f"{BY_INSTANCE}-bad", "${schema.spec.size}"),
                }
            )
        case "cycle":
            for one, other in (("one", "two"), ("two", "one")):
                text = f"${{{other}.metadata.name}}"
                resources.append(
                    {"id": one, "template": _object("ConfigMap", f"{BY_INSTANCE}-{one}", text)}
                )
        case "unknown kind":
            resources.append(
                {
                    "id": "bad",
                    "template": {
                        "apiVersion": "none.example.org/v1",
                        "kind": "None",
                        "metadata": {"name": BY_INSTANCE},
                    },
                }
            )
        case "reserved id":
            resources.append(
                {"id": "schema", "template": _object("ConfigMap", f"{BY_INSTANCE}-bad", "x")}
            )
        case "unknown type":
            schema["spec"] = schema["spec"] | {"odd": "nothing"}
    return manifest


FAULTS = (
    "unknown field",
    "unknown function",
    "wrong type",
    "cycle",
    "unknown kind",
    "reserved id",
    "unknown type",
)


@dataclass(frozen=True)
class Sample:
    """An RGD, and what kro does with it."""

    rgd: Manifest
    fault: str
    """Empty if kro accepts it."""
    requires: list[Manifest] = field(default_factory=list)
    """The RGDs whose kinds it uses."""

    def numbered(self, number: int) -> tuple[Manifest, list[Manifest]]:
        """Return the RGD and those that it uses, with kinds of their own."""
        return _numbered(self.rgd, number), [_numbered(each, number) for each in self.requires]


def _numbered(value: Any, number: int) -> Any:
    if isinstance(value, list):
        return [_numbered(item, number) for item in value]
    if isinstance(value, dict):
        return {
            key: f"{item}N{number}"
            if key == "kind" and item in ("Generated", _INNER)
            else _numbered(item, number)
            for key, item in value.items()
        }
    return value


def _inner() -> Manifest:
    """Return an RGD of whose kind others make instances."""
    child = _object("ConfigMap", f"{BY_INSTANCE}-inner", "${schema.spec.text}")
    schema = {"apiVersion": "v1alpha1", "kind": _INNER, "spec": {"text": "string | default=none"}}
    schema |= {"status": {"shown": "${child.data.text}"}}
    about = {"apiVersion": "kro.run/v1alpha1", "kind": "ResourceGraphDefinition"}
    spec = {"schema": schema, "resources": [{"id": "child", "template": child}]}
    return about | {"metadata": {"name": "inner"}, "spec": spec}


@st.composite
def rgds(draw: st.DrawFn) -> Sample:
    """Return an RGD over the whole language."""
    scope = draw(st.sampled_from(["Namespaced", "Namespaced", "Cluster"]))
    texts = _TEXTS if scope == "Namespaced" else _CLUSTER_TEXTS
    count = draw(st.integers(0, 4))
    resources: list[Manifest] = []
    for _ in range(count):
        resources.append(draw(_resource(list(resources), texts, scope)))
    status: Manifest = {}
    certain = [each for each in resources if "includeWhen" not in each]
    shows_child = draw(st.booleans())
    if certain and shows_child:
        status["child"] = _of(certain[0], draw)
    own = draw(st.sampled_from([None, None, "Ready", "AppReady", "Told"]))
    if own is not None:
        status["conditions"] = [READY % own]
    schema: Manifest = {
        "apiVersion": "v1alpha1",
        "kind": "Generated",
        "spec": _FIELDS,
        "types": _TYPES,
    }
    schema |= {"scope": scope} | ({"status": status} if status else {})
    fault = draw(st.sampled_from([*[""] * len(FAULTS), *FAULTS]))
    about = {"apiVersion": "kro.run/v1alpha1", "kind": "ResourceGraphDefinition"}
    manifest = about | {
        "metadata": {"name": "generated"},
        "spec": {"schema": schema, "resources": resources},
    }
    requires = [_inner()] if any(_kind_of(each) == _INNER for each in resources) else []
    return Sample(_spoiled(manifest, fault), fault, requires)
