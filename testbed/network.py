"""The node's address, and the removal of every device that the cluster added.

The API server refuses to proxy to loopback addresses, so the node needs an address of its
own. A bridge without ports carries it: kernels without dummy devices have bridges.
"""

import ipaddress
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from testbed import shell
from testbed.errors import SetupError
from testbed.paths import remove_if_empty
from testbed.settings import (
    CNI_NETWORK,
    NODE_ADDRESS,
    NODE_BRIDGE,
    POD_BRIDGE,
    POD_CIDR,
    SERVICE_CIDR,
)

_PROBE_BRIDGE = "krobench-probe"
_CNI_RESULTS = Path("/var/lib/cni/results")


def add_node_address() -> None:
    """Give the node its bridge and address."""
    shell.run(["ip", "link", "add", NODE_BRIDGE, "type", "bridge"])
    shell.run(["ip", "address", "add", f"{NODE_ADDRESS}/32", "dev", NODE_BRIDGE])
    shell.run(["ip", "link", "set", NODE_BRIDGE, "up"])


def remove_devices() -> None:
    """Delete the cluster's bridges and what is still plugged into them."""
    for device in _own_devices():
        # A veth goes by itself, at its own time, once its pod's network namespace is gone.
        if Path("/sys/class/net", device).exists():
            shell.succeeds(["ip", "link", "delete", device], timeout_seconds=5)


def devices_left() -> tuple[str, ...]:
    """The cluster's devices that exist now."""
    return tuple(_own_devices())


def remove_cni_results() -> None:
    """Remove libcni's cached results of our pods, whose directory cannot be configured."""
    for sandbox in own_sandboxes(result.name for result in _CNI_RESULTS.glob("*")):
        for result in _CNI_RESULTS.glob(f"*-{sandbox}-*"):
            result.unlink(missing_ok=True)
    remove_if_empty(_CNI_RESULTS, _CNI_RESULTS.parent)


def own_sandboxes(results: Iterable[str]) -> list[str]:
    """The pod sandboxes among libcni's results (NETWORK-SANDBOX-DEVICE) that used our network."""
    prefix = f"{CNI_NETWORK}-"
    return [name[len(prefix) :].partition("-")[0] for name in results if name.startswith(prefix)]


def check_bridges_work() -> None:
    """Raise SetupError where this kernel or container has no bridge devices."""
    add = ["ip", "link", "add", _PROBE_BRIDGE, "type", "bridge"]
    if not shell.succeeds(add, timeout_seconds=10):
        raise SetupError("this kernel has no network bridges (module bridge), or forbids them")
    shell.run(["ip", "link", "delete", _PROBE_BRIDGE])


def check_addresses_are_free() -> None:
    """Raise SetupError where another device uses the cluster's networks."""
    for device in json.loads(shell.run(["ip", "-json", "-4", "address"])):
        for address in device["addr_info"]:
            network = f"{address['local']}/{address['prefixlen']}"
            clash = overlapping(network)
            if clash and device["ifname"] not in (NODE_BRIDGE, POD_BRIDGE):
                raise SetupError(
                    f"the cluster needs {clash}, but {device['ifname']} already uses {network}"
                )


def overlapping(network: str) -> str | None:
    """Which of the cluster's networks overlaps with this one, if any."""
    other = ipaddress.ip_network(network, strict=False)
    for own in (f"{NODE_ADDRESS}/32", POD_CIDR, SERVICE_CIDR):
        if other.overlaps(ipaddress.ip_network(own)):
            return own
    return None


def _own_devices() -> Sequence[str]:
    interfaces = Path("/sys/class/net")
    ports = (
        sorted(port.name for port in (interfaces / POD_BRIDGE / "brif").iterdir())
        if (interfaces / POD_BRIDGE / "brif").is_dir()
        else []
    )
    bridges = [name for name in (POD_BRIDGE, NODE_BRIDGE) if (interfaces / name).exists()]
    return [*ports, *bridges]
