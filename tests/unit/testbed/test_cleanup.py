"""What is removed is ours, and nothing else is."""

from pathlib import Path

from testbed import iptables, mounts, network

SAVED = r"""*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-MARK-MASQ - [0:0]
:CNI-0a1b - [0:0]
:CNI-other - [0:0]
:DOCKER - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j DOCKER
-A POSTROUTING -s 10.88.0.2/32 -m comment --comment "name: \"krobench-pods\" id: \"5e\"" -j CNI-0a1b
-A POSTROUTING -s 10.9.0.2/32 -m comment --comment "name: \"podman\" id: \"5f\"" -j CNI-other
-A KUBE-SERVICES -j KUBE-MARK-MASQ
-A CNI-0a1b -j MASQUERADE
-A CNI-other -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -j ACCEPT
COMMIT
"""

REMOVAL = r"""*nat
-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-D POSTROUTING -s 10.88.0.2/32 -m comment --comment "name: \"krobench-pods\" id: \"5e\"" -j CNI-0a1b
-F KUBE-SERVICES
-F KUBE-MARK-MASQ
-F CNI-0a1b
-X KUBE-SERVICES
-X KUBE-MARK-MASQ
-X CNI-0a1b
COMMIT
"""


def test_only_our_chains_and_the_jumps_to_them_go() -> None:
    assert iptables.removal_script(SAVED) == REMOVAL


def test_without_our_chains_there_is_nothing_to_do() -> None:
    assert iptables.removal_script(":INPUT ACCEPT [0:0]\n") == ""


def test_mounts_below_the_state_are_found_deepest_first() -> None:
    mountinfo = (
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
        "2 1 0:5 / /var/lib/krobench/kubelet/pods/a rw - tmpfs tmpfs rw\n"
        "3 1 0:5 / /var/lib/krobench/kubelet/pods/a/b\\040c rw - tmpfs tmpfs rw\n"
        "4 1 0:5 / /var/lib/krobench-other/x rw - tmpfs tmpfs rw\n"
    )
    assert mounts.mount_points_below(mountinfo, Path("/var/lib/krobench")) == [
        Path("/var/lib/krobench/kubelet/pods/a/b c"),
        Path("/var/lib/krobench/kubelet/pods/a"),
    ]


def test_sandboxes_are_ours_by_their_network() -> None:
    results = ["krobench-pods-0a1b-eth0", "cni-loopback-0a1b-lo", "podman-5f-eth0"]
    assert network.own_sandboxes(results) == ["0a1b"]
