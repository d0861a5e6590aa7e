"""ResourceGraphDefinitions over the whole language of kro, some of which kro rejects."""

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
}
_TYPES = {"port": {"name": "string | default=http", "number": "integer | required=true"}}
_TEXTS = (
    "${schema.spec.owner}",
    "${schema.spec.region + '-' + schema.spec.code}",
    "${string(schema.spec.size * 2)}",
    "${schema.spec.?note.orValue('none')}",
    "${has(schema.spec.tags) ? string(size(schema.spec.tags)) : '0'}",
    "${schema.spec.zones.join(',')}",
    "${string(schema.spec.limits.deep.count)}",
    "${schema.spec.ports.map(p, string(p.number)).join('/')}",
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
        case "Role":
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


_KINDS = st.sampled_from(["ConfigMap", "Secret", "Service", "Role", "Deployment", "ServiceAccount"])


def _is_single(item: Manifest) -> bool:
    return "forEach" not in item and "selector" not in item.get("externalRef", {}).get(
        "metadata", {}
    )


@st.composite
def _resource(
    draw: st.DrawFn, number: int, texts: tuple[str, ...], scope: str, before: Manifest | None
) -> Manifest:
    """Return one resource; it may refer to the one before it, if that is a single object."""
    name = draw(st.sampled_from([BY_INSTANCE, "${schema.spec.code}", "${schema.spec.owner}"]))
    text = draw(st.sampled_from(texts))
    refers = draw(st.booleans())
    if refers and before is not None and _is_single(before):
        text = f"${{{before['id']}.metadata.name}}"
    suffix, kind = f"-r{number}", draw(_KINDS)
    shape = draw(st.sampled_from(["plain", "plain", "each", "grid", "external", "selected"]))
    item: Manifest = {"id": f"r{number}"}
    if shape in ("each", "grid"):
        item["forEach"] = [{"zone": "${schema.spec.zones}"}]
        suffix += "-${zone}"
        if shape == "grid":
            item["forEach"].append({"at": "${lists.range(schema.spec.size)}"})
            suffix += "-${string(at)}"
        text = "${zone}"
    if shape == "external":
        about: Manifest = {"name": "kube-root-ca.crt", "namespace": "default"}
        return item | {"externalRef": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about}}
    if shape == "selected":
        about = {
            "selector": {"matchLabels": {"bench.kro.run/none": "none"}},
            "namespace": "default",
        }
        return item | {"externalRef": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about}}
    item["template"] = _object(kind, f"{name}{suffix}", text)
    if scope == "Cluster":
        item["template"]["metadata"]["namespace"] = "default"
    if shape == "plain":
        if draw(st.booleans()):
            item["includeWhen"] = [draw(st.sampled_from(["${schema.spec.enabled}", "${true}"]))]
        if draw(st.booleans()):
            item["readyWhen"] = [f"${{has(r{number}.metadata.uid)}}"]
    return item


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


@st.composite
def rgds(draw: st.DrawFn) -> tuple[Manifest, str]:
    """Return an RGD, and its fault; that is empty for one that kro accepts."""
    scope = draw(st.sampled_from(["Namespaced", "Namespaced", "Cluster"]))
    texts = _TEXTS if scope == "Namespaced" else _CLUSTER_TEXTS
    count = draw(st.integers(0, 4))
    resources: list[Manifest] = []
    for number in range(count):
        before = resources[-1] if resources else None
        resources.append(draw(_resource(number, texts, scope, before)))
    status: Manifest = {}
    plain = [each for each in resources if "template" in each and "forEach" not in each]
    certain = [each for each in plain if "includeWhen" not in each]
    shows_child = draw(st.booleans())
    if certain and shows_child:
        status["child"] = f"${{{certain[0]['id']}.metadata.name}}"
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
    fault = draw(st.sampled_from(["", "", "", *FAULTS]))
    about = {"apiVersion": "kro.run/v1alpha1", "kind": "ResourceGraphDefinition"}
    manifest = about | {
        "metadata": {"name": "generated"},
        "spec": {"schema": schema, "resources": resources},
    }
    return _spoiled(manifest, fault), fault
