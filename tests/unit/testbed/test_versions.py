"""The versions that are named in Python are those that the Go modules pin."""

import re

import pytest

from testbed import versions
from testbed.paths import SOURCE_DIR


def go_mod(name: str) -> str:
    return (SOURCE_DIR / "go" / name / "go.mod").read_text()


@pytest.mark.parametrize(
    ("module", "requirement"),
    [
        ("control-plane", f"k8s.io/kubernetes v{versions.KUBERNETES}"),
        ("etcd", f"go.etcd.io/etcd/server/v3 v{versions.ETCD}"),
        ("s3", f"github.com/rclone/rclone v{versions.RCLONE}"),
        ("containerd", f"github.com/containerd/containerd/v2 v{versions.CONTAINERD}"),
    ],
)
def test_go_modules_pin_the_named_versions(module: str, requirement: str) -> None:
    assert re.search(rf"^\s*(require )?{re.escape(requirement)}\b", go_mod(module), re.MULTILINE)


def test_every_staging_module_has_kubernetes_own_minor_and_patch() -> None:
    staging = f"v0.{versions.KUBERNETES.partition('.')[2]}"
    replacement = re.compile(r"^replace (k8s\.io/\S+) => \1 (\S+)$", re.MULTILINE)
    replaced = replacement.findall(go_mod("control-plane"))
    assert replaced
    assert {version for _, version in replaced} == {staging}


@pytest.mark.parametrize("module", ["control-plane", "etcd", "containerd", "pause", "s3"])
def test_minimum_go_is_what_the_modules_ask_for(module: str) -> None:
    asked = re.search(r"^go (\d+)\.(\d+)", go_mod(module), re.MULTILINE)
    assert asked
    assert tuple(map(int, asked.groups())) == versions.MINIMUM_GO
