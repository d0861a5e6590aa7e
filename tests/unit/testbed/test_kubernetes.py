"""Other versions of Kubernetes than the one by default."""

import pytest

from testbed import build, kubernetes, versions
from testbed.kubernetes import go_mod
from testbed.settings import ClusterSettings

# As of 1.36 and of 1.30: the way in which it names its own modules has changed.
REPLACED = """
replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/kubectl => ./staging/src/k8s.io/kubectl
)
"""
UNVERSIONED = """
require (
	github.com/spf13/cobra v1.8.0
	k8s.io/api v0.0.0
	k8s.io/kubectl v0.0.0
	k8s.io/klog/v2 v2.120.1
)
"""


@pytest.mark.parametrize("of_kubernetes", [REPLACED, UNVERSIONED])
def test_its_own_modules_have_its_own_minor_and_patch(of_kubernetes: str) -> None:
    lines = go_mod("1.30.14", of_kubernetes).splitlines()
    assert "require k8s.io/kubernetes v1.30.14" in lines
    assert [line for line in lines if line.startswith("replace")] == [
        "replace k8s.io/api => k8s.io/api v0.30.14",
        "replace k8s.io/kubectl => k8s.io/kubectl v0.30.14",
    ]


def test_the_version_by_default_is_built_from_the_repository() -> None:
    with kubernetes.source(versions.KUBERNETES) as directory:
        assert directory == kubernetes.SOURCE
    assert build.KUBERNETES.version == versions.KUBERNETES


def test_another_version_is_another_program_and_another_cluster() -> None:
    assert build.kubernetes("1.30.14").inputs != build.KUBERNETES.inputs
    other = ClusterSettings(kubernetes="1.30.14")
    assert other.fingerprint() != ClusterSettings().fingerprint()
