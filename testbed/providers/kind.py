"""A cluster made by kind, in containers of a Docker engine."""

from pathlib import Path

from testbed import shell
from testbed.errors import SetupError
from testbed.image import ImageRequest
from testbed.paths import State
from testbed.providers import commands
from testbed.providers.base import StatusReport, UpRequest
from testbed.providers.commands import Command
from testbed.providers.external import status_of

_CLUSTER = "krobench"
_LIST: Command = ("kind", "get", "clusters")


class KindProvider:
    """Runs kind, helm and docker."""

    def __init__(self, state: State) -> None:
        self._kubeconfig = state.root / "kind.kubeconfig"

    def up(self, request: UpRequest) -> None:
        """Create the cluster where it is missing, and install kro."""
        planned = self.up_commands(request)
        commands.check_installed(planned)
        self._kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        exists = _CLUSTER in shell.run(_LIST).split()
        commands.execute([self._export_command(), *planned[1:]] if exists else planned)

    def down(self) -> None:
        """Delete the cluster."""
        commands.execute(self.down_commands())

    def status(self) -> StatusReport:
        """Ask the API server."""
        return status_of(self.kubeconfig())

    def kubeconfig(self) -> Path:
        """The kubeconfig that kind wrote."""
        return self._kubeconfig

    def image(self, request: ImageRequest) -> str:
        """Build the image with Docker and load it into the node."""
        request.check()
        commands.execute(self.image_commands(request))
        return commands.image_reference(request)

    def up_commands(self, request: UpRequest) -> list[Command]:
        """What ``up`` runs, the creation of the cluster first."""
        if request.cluster.audit_log:
            raise SetupError("--audit-log works with the provider testbed only")
        kubeconfig = f"--kubeconfig={self._kubeconfig}"
        create = ("kind", "create", "cluster", f"--name={_CLUSTER}", kubeconfig, "--wait=120s")
        if request.kro is None:
            return [create]
        return [create, commands.install_kro(self._kubeconfig, request.kro)]

    def down_commands(self) -> list[Command]:
        """What ``down`` runs."""
        kubeconfig = f"--kubeconfig={self._kubeconfig}"
        return [("kind", "delete", "cluster", f"--name={_CLUSTER}", kubeconfig)]

    def image_commands(self, request: ImageRequest) -> list[Command]:
        """What ``image`` runs."""
        reference = commands.image_reference(request)
        load = ("kind", "load", "docker-image", f"--name={_CLUSTER}", reference)
        return [commands.docker_build(reference), load]

    def _export_command(self) -> Command:
        kubeconfig = f"--kubeconfig={self._kubeconfig}"
        return ("kind", "export", "kubeconfig", f"--name={_CLUSTER}", kubeconfig)
