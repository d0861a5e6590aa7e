"""Rendered configurations hold what the traps of such machines ask for."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

from testbed import cgroups, containerd, controlplane, kro, node
from testbed.component import Component
from testbed.krosource import Release
from testbed.paths import State
from testbed.settings import ClusterSettings, KroSettings, Ports

STATE = State(Path("/state"))
PROGRAMS = Path("/programs")
PORTS = Ports(api=7443, etcd=3379)


def flags(component: Component) -> dict[str, str]:
    pairs = (argument.removeprefix("--").partition("=") for argument in component.argv[1:])
    return {name: value for name, _, value in pairs}


def test_containerd_keeps_all_but_its_socket_below_the_state() -> None:
    config = tomllib.loads(containerd.config(STATE))
    assert config["grpc"]["address"] == "/run/containerd/containerd.sock"
    assert config["root"].startswith("/state/")
    assert config["state"].startswith("/state/")
    runtime = config["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["netns_mounts_under_state_dir"]
    assert runtime["restrict_oom_score_adj"]


def test_the_pod_network_allocates_below_the_state() -> None:
    plugin = json.loads(containerd.cni_config(STATE))["plugins"][0]
    assert plugin["ipam"]["dataDir"] == "/state/cni"


def test_kubelet_accepts_control_groups_of_either_version_below_our_own() -> None:
    config = json.loads(node.kubelet_config(STATE, PORTS))
    assert config["failCgroupV1"] is False
    assert config["cgroupRoot"] == cgroups.NAME
    assert config["imageGCHighThresholdPercent"] == 100


def test_api_server_and_etcd_agree_on_ports() -> None:
    settings = ClusterSettings(PORTS)
    server = flags(controlplane.api_server(PROGRAMS, STATE, settings))
    etcd = flags(controlplane.etcd(PROGRAMS, STATE, PORTS))
    assert server["secure-port"] == "7443"
    assert server["etcd-servers"] == etcd["listen-client-urls"] == "http://127.0.0.1:3379"


def test_the_audit_log_is_a_choice() -> None:
    without = flags(controlplane.api_server(PROGRAMS, STATE, ClusterSettings()))
    with_log = flags(controlplane.api_server(PROGRAMS, STATE, ClusterSettings(audit_log=True)))
    assert set(with_log) - set(without) >= {"audit-log-path", "audit-policy-file"}
    rules = json.loads(controlplane.audit_policy())["rules"]
    assert rules[-1] == {"level": "Metadata"}
    assert [rule["resources"][0]["group"] for rule in rules[:-1]] == ["load.bench.kro.run"]


def test_a_change_of_settings_is_a_change_of_fingerprint(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("a: 1\n")
    before = KroSettings(values_files=(values,))
    fingerprints = {before.fingerprint(), replace(before, source=Release("0.9.3")).fingerprint()}
    values.write_text("a: 2\n")
    assert len({*fingerprints, before.fingerprint()}) == 3
    assert ClusterSettings().fingerprint() != ClusterSettings(audit_log=True).fingerprint()


def test_kro_gets_profiling_and_otherwise_its_charts_defaults() -> None:
    values = kro.default_values("0.9.4")
    assert values == {
        "image": {"repository": "registry.local/kro", "tag": "0.9.4"},
        "debug": {"pprof": {"enabled": True}},
    }
