"""Whether kro elects a leader, and whether its Lease tells which pod that is. Pure."""

from typing import Any

from krobench.api.notation.flags import flag_values
from krobench.kube.kro import LEADER_LEASE

_ELECT = "leader-elect"
_NAMESPACE = "leader-election-namespace"
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def elects(template: dict[str, Any], container: str) -> bool:
    """Whether kro of this pod template acts only once it leads; without the flag it does not."""
    found = _flags(template, container)
    return _ELECT in found and found[_ELECT] not in _FALSE


def why_leader_unknown(template: dict[str, Any], container: str, namespace: str) -> str | None:
    """Return why nobody can tell which pod of this template leads; None where one can.

    The Lease's holder is the host's name as kro sees it, which is the pod's own unless the pod is
    in the network of its node.
    """
    if not elects(template, container):
        return None
    if template["spec"].get("hostNetwork"):
        return (
            f"kro runs in its node's network, so that its lease {LEADER_LEASE} is held in the "
            "node's name, which says of no pod that it leads"
        )
    elsewhere = _flags(template, container).get(_NAMESPACE)
    if elsewhere and elsewhere != namespace:
        return (
            f"kro's lease {LEADER_LEASE} is in namespace {elsewhere} (flag --{_NAMESPACE}), and "
            f"krobench reads that of namespace {namespace}"
        )
    return None


def _flags(template: dict[str, Any], container: str) -> dict[str, str | None]:
    containers = template["spec"]["containers"]
    arguments = next((c.get("args") or [] for c in containers if c["name"] == container), [])
    return flag_values(arguments)
