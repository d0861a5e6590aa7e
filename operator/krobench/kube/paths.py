"""URL paths of Kubernetes resources."""

from krobench.api.common import API_GROUP, API_VERSION
from krobench.api.kinds import RunRef, ScheduleRef


def core(
    plural: str, namespace: str | None = None, name: str | None = None, sub: str | None = None
) -> str:
    """Return the path of a resource of the core group."""
    return _join("/api/v1", plural, namespace, name, sub)


def group(
    group_name: str,
    version: str,
    plural: str,
    namespace: str | None = None,
    name: str | None = None,
    sub: str | None = None,
) -> str:
    """Return the path of a resource of a named group."""
    return _join(f"/apis/{group_name}/{version}", plural, namespace, name, sub)


def run(ref: RunRef, sub: str | None = None) -> str:
    """Return the path of the custom resource that asks for a run."""
    return group(API_GROUP, API_VERSION, ref.kind.plural, ref.namespace, ref.name, sub)


def schedule(ref: ScheduleRef, sub: str | None = None) -> str:
    """Return the path of a schedule."""
    return group(API_GROUP, API_VERSION, ref.kind.plural, ref.namespace, ref.name, sub)


def _join(
    prefix: str, plural: str, namespace: str | None, name: str | None, sub: str | None
) -> str:
    scope = f"/namespaces/{namespace}" if namespace else ""
    path = f"{prefix}{scope}/{plural}"
    if name:
        path += f"/{name}"
    if sub:
        path += f"/{sub}"
    return path
