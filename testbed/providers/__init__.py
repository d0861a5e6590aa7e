"""The places where the benchmarks can run: the test bed, kind, or a cluster that exists."""

import os

from testbed import shell
from testbed.paths import Cache, State
from testbed.providers.base import Provider
from testbed.providers.existing import ExistingProvider
from testbed.providers.kind import KindProvider
from testbed.providers.testbed import TestbedProvider

NAMES = ("testbed", "kind", "existing")
_DOCKER_SECONDS = 3


def default_name() -> str:
    """``PROVIDER``; or kind where a Docker engine answers, and the test bed elsewhere."""
    chosen = os.environ.get("PROVIDER")
    if chosen:
        return chosen
    docker_answers = shell.succeeds(["docker", "info"], timeout_seconds=_DOCKER_SECONDS)
    return "kind" if docker_answers else "testbed"


def create(name: str, cache: Cache, state: State) -> Provider:
    """The provider of a name."""
    if name == "kind":
        return KindProvider(state)
    if name == "existing":
        return ExistingProvider()
    return TestbedProvider(cache, state)
