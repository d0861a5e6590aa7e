"""What Argo CD does with a custom resource: its Lua scripts, and its comparison with Git.

The scripts run in a real Lua 5.1, the version that Argo CD's interpreter follows, with no more than
the libraries that Argo CD opens for scripts of an administrator: strings have no functions.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from itertools import zip_longest
from pathlib import Path
from typing import Any

from lupa.lua51 import LuaRuntime, lua_type  # type: ignore[import-untyped]
from unit.deploy.rendering import MANIFESTS

Resource = dict[str, Any]

CUSTOMIZATIONS = MANIFESTS / "gitops" / "argocd" / "resource_customizations" / "bench.kro.run"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SANDBOX = """
for name in pairs(_G) do
  if name == "string" or name == "io" or name == "math" or name == "debug" or name == "python" then
    _G[name] = nil
  end
end
local safe = {date = os.date, time = os.time}
os = safe
package.preload.os = function() return safe end
package.loaded.os = nil
"""


def run_lua(script: str, resource: Resource) -> Any:
    """Run a script with a resource as ``obj``, and return what it returns as JSON would have it."""
    lua = LuaRuntime(unpack_returned_tuples=True, register_eval=False)
    lua.execute('getmetatable("").__index = nil' + _SANDBOX)
    lua.globals().obj = _to_lua(lua, resource)
    return _from_lua(lua.execute(script))


def _to_lua(lua: LuaRuntime, value: Any) -> Any:
    if isinstance(value, Mapping):
        return lua.table_from({key: _to_lua(lua, each) for key, each in value.items()})
    if isinstance(value, list):
        return lua.table_from([_to_lua(lua, each) for each in value])
    return value


def _from_lua(value: Any) -> Any:
    """Read a table as Argo CD's encoder does: an empty one becomes a list."""
    if lua_type(value) != "table":
        return value
    entries = {key: _from_lua(each) for key, each in value.items()}
    if set(entries) == set(range(1, len(entries) + 1)):
        return [entries[index] for index in sorted(entries)]
    return entries


def health(resource: Resource) -> dict[str, str]:
    """Return the health that Argo CD shows of a resource."""
    found: dict[str, str] = run_lua(_script(resource, "health.lua"), resource)
    return found


def actions(resource: Resource) -> set[str]:
    """Return the actions that Argo CD offers for a resource."""
    found = run_lua(_script(resource, "actions/discovery.lua"), resource)
    return {name for name, action in found.items() if not action.get("disabled")}


def act(resource: Resource, action: str) -> Any:
    """Return what an action makes of a resource."""
    made = run_lua(_script(resource, f"actions/{action}/action.lua"), resource)
    return made if isinstance(made, list) else _with_empty_objects(made, resource)


def _with_empty_objects(made: Any, before: Any) -> Any:
    """Do what Argo CD does for a changed resource: empty lists that were objects become such."""
    if made == [] and before == {}:
        return {}
    if isinstance(made, dict) and isinstance(before, dict):
        return {name: _with_empty_objects(each, before.get(name)) for name, each in made.items()}
    if isinstance(made, list) and isinstance(before, list):
        pairs = zip_longest(made, before[: len(made)])
        return [_with_empty_objects(each, earlier) for each, earlier in pairs]
    return made


def _script(resource: Resource, name: str) -> str:
    path: Path = CUSTOMIZATIONS / resource["kind"] / name
    return path.read_text()


def is_in_sync(config: Resource, live: Resource) -> bool:
    """Whether Argo CD's default comparison finds no difference.

    With the annotation of ``kubectl apply``, it is the three-way JSON merge patch of that, of Git
    and of the live object; without it, Git takes its place.
    """
    annotations = live["metadata"].get("annotations", {})
    applied = json.loads(annotations.get(_LAST_APPLIED, "null")) or config
    applied, config = _without_namespace(applied), _without_namespace(config)
    predicted: Resource = _merged(live, three_way_patch(applied, config, live))
    return predicted == live


def is_in_sync_by_server(live: Resource, dry_run: Resource) -> bool:
    """Whether Argo CD's server-side comparison finds no difference.

    ``dry_run`` is the answer to the server-side apply.
    """
    return _comparable(live) == _comparable(dry_run)


def _comparable(resource: Resource) -> Resource:
    kept = deepcopy(resource)
    for name in ("creationTimestamp", "managedFields", "resourceVersion"):
        kept["metadata"].pop(name, None)
    kept["metadata"].get("annotations", {}).pop(_LAST_APPLIED, None)
    return kept


def _without_namespace(resource: Resource) -> Resource:
    kept = deepcopy(resource)
    for name in ("namespace", "creationTimestamp"):
        kept["metadata"].pop(name, None)
    if not kept["metadata"].get("annotations"):
        kept["metadata"].pop("annotations", None)
    return kept


def three_way_patch(applied: Resource, config: Resource, live: Resource) -> Resource:
    """Return the JSON merge patch that ``kubectl apply`` would send."""
    added = _without_nulls(_merge_patch(_only_fields_of(applied, live), config))
    return _combined(added, _only_nulls(_merge_patch(applied, config)))


def _only_fields_of(applied: Any, live: Any) -> Any:
    """Drop the fields of the live object that were not applied, such as defaults; not in lists."""
    if isinstance(applied, dict) and isinstance(live, dict):
        shared = applied.keys() & live.keys()
        return {name: _only_fields_of(applied[name], live[name]) for name in shared}
    return live


def _merge_patch(old: Resource, new: Resource) -> Resource:
    patch: Resource = {}
    for name in old.keys() | new.keys():
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            inner = _merge_patch(before, after)
            if inner:
                patch[name] = inner
        elif before != after:
            patch[name] = after
    return patch


def _without_nulls(patch: Resource) -> Resource:
    kept = {name: _without_nulls(v) if isinstance(v, dict) else v for name, v in patch.items()}
    return {name: value for name, value in kept.items() if value is not None}


def _only_nulls(patch: Resource) -> Resource:
    kept = {name: _only_nulls(v) if isinstance(v, dict) else v for name, v in patch.items()}
    return {name: value for name, value in kept.items() if value is None or isinstance(value, dict)}


def _combined(one: Resource, other: Resource) -> Resource:
    result = dict(one)
    for name, value in other.items():
        inner = result.get(name)
        both = isinstance(inner, dict) and isinstance(value, dict)
        result[name] = _combined(inner, value) if both and isinstance(inner, dict) else value
    return result


def _merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result
