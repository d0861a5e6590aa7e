"""Starting and stopping the cluster, and its images.

``up`` never repairs: if a cluster is not exactly as it should be, because it is half started, was
killed or is from before a restart of the machine, ``up`` removes it and starts a new one.
"""

from pathlib import Path

from testbed import (
    build,
    cleanup,
    component,
    containerd,
    controlplane,
    kro,
    ownership,
    preflight,
    startup,
    status,
)
from testbed.api import ApiClient
from testbed.errors import SetupError
from testbed.krosource import KroSource
from testbed.paths import Cache, State
from testbed.settings import ClusterSettings, KroSettings


class Cluster:
    """The one cluster of this machine."""

    def __init__(self, cache: Cache, state: State) -> None:
        self._cache = cache
        self._state = state

    def up(self, settings: ClusterSettings, kro_settings: KroSettings | None) -> None:
        """Start the cluster and install kro, as far as that is not already so."""
        preflight.check_user()
        source = kro_settings.source if kro_settings else None
        programs = build.all_programs(settings.kubernetes, source)
        preflight.check_machine(self._cache, self._state.root, programs)
        with ownership.claimed(self._state):
            ownership.take(self._state)
            if not self._runs_with(settings):
                cleanup.clean(self._state)
                startup.start(self._cache, self._state, settings, programs)
            controlplane.publish_etcd(ApiClient(self._state.kubeconfig), settings.ports)
            if kro_settings:
                kro.ensure(self._cache, self._state, kro_settings)
            else:
                kro.remove(self._cache, self._state)

    def down(self) -> None:
        """Stop the cluster and leave nothing of it but logs."""
        preflight.check_user()
        with ownership.claimed(self._state):
            cleanup.clean(self._state)
            ownership.release()

    def status(self) -> status.ClusterStatus:
        """Look at every part."""
        return status.look(self._state)

    def check_running(self) -> None:
        """Raise SetupError where there is no cluster to work with."""
        if component.running_pid(containerd.CONTAINERD, self._state) is None:
            raise SetupError("the test bed is not running: run `python3 -m testbed up` first")

    def import_image(self, archive: Path) -> None:
        """Import an image for pods to use."""
        containerd.import_image(build.CONTAINERD.ensure(self._cache), archive)

    def import_kro(self, source: KroSource) -> str:
        """Import the image of another kro than the installed one, and return its reference."""
        program = build.kro(source)
        self.check_running()
        self.import_image(program.ensure(self._cache) / build.IMAGE_ARCHIVE)
        return build.kro_images(source.version)[-1]

    def stored_digests(self) -> frozenset[str]:
        """The image layers that need not be imported again."""
        return containerd.stored_digests(build.CONTAINERD.ensure(self._cache))

    def _runs_with(self, settings: ClusterSettings) -> bool:
        path = self._state.settings
        is_same = path.exists() and path.read_text() == settings.fingerprint()
        return is_same and self.status().cluster_runs
