"""Whether all that a workload creates goes with its namespace."""

from krobench.api.specs.workload import Workload
from krobench.workload.blueprint import Manifest
from krobench.workload.cloud import CLOUD_API_VERSION
from krobench.workload.source import RgdSource, rgds_of

_NAMESPACED = frozenset(
    {
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("apps/v1", "Deployment"),
        ("networking.k8s.io/v1", "Ingress"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
    }
)


def goes_with_namespace(workload: Workload) -> bool:
    """Whether the children of all instances are in the namespace of their instance, for sure.

    Of an RGD of the user's own it is not known, and its kind can exist only once. Prerequisites
    must outlive the namespace of one iteration.
    """
    if workload.rgd is not None or workload.cel is not None or workload.prerequisites:
        return False
    manifests = rgds_of(RgdSource(workload, "workload", 0, "name", "Kind", {})).manifests
    own = {each["spec"]["schema"]["kind"] for each in manifests}
    return all(
        _is_namespaced(resource["template"], own)
        for manifest in manifests
        for resource in manifest["spec"]["resources"]
        if "template" in resource
    )


def _is_namespaced(template: Manifest, own: set[str]) -> bool:
    kind = (template["apiVersion"], template["kind"])
    known = template["kind"] in own or kind in _NAMESPACED or kind[0] == CLOUD_API_VERSION
    return known and "namespace" not in template["metadata"]
