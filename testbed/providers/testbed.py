"""The test bed as a provider."""

from dataclasses import asdict
from pathlib import Path

from testbed import image
from testbed.cluster import Cluster
from testbed.image import ImageRequest
from testbed.krosource import KroSource
from testbed.paths import Cache, State
from testbed.providers.base import StatusReport, UpRequest
from testbed.status import describe


class TestbedProvider:
    """A Kubernetes that runs directly on this machine."""

    def __init__(self, cache: Cache, state: State) -> None:
        self._cache = cache
        self._state = state
        self._cluster = Cluster(cache, state)

    def up(self, request: UpRequest) -> None:
        """Start the cluster, and install or remove kro."""
        self._cluster.up(request.cluster, request.kro)

    def down(self) -> None:
        """Stop the cluster and clean up."""
        self._cluster.down()

    def status(self) -> StatusReport:
        """Look at every component."""
        found = self._cluster.status()
        data = {**asdict(found), "healthy": found.healthy}
        return StatusReport(found.healthy, describe(found), data)

    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._state.kubeconfig

    def image(self, request: ImageRequest) -> str:
        """Build the image and import it in containerd."""
        return image.build_and_import(self._cache, self._cluster, request)

    def kro_image(self, source: KroSource) -> str:
        """Build another kro and import its image in containerd."""
        return self._cluster.import_kro(source)
