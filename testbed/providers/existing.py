"""A cluster that someone else runs: it is looked at, and changed only on request."""

import os
from pathlib import Path

from testbed import shell
from testbed.errors import SetupError
from testbed.image import ImageRequest
from testbed.providers import commands
from testbed.providers.base import StatusReport, UpRequest
from testbed.providers.commands import Command
from testbed.providers.external import status_of
from testbed.steps import say


class ExistingProvider:
    """Uses the current kubeconfig."""

    def up(self, request: UpRequest) -> None:
        """Check the cluster, install kro if that was asked for, and say where kro is."""
        commands.execute(self.up_commands(request))
        found = shell.run(commands.find_kro(self.kubeconfig())).strip()
        say(f"kro: {found}" if found else "kro was not found: install it, or use --install-kro")

    def down(self) -> None:
        """Do nothing: the cluster is not ours."""
        say("nothing is removed from an existing cluster")

    def status(self) -> StatusReport:
        """Ask the API server."""
        return status_of(self.kubeconfig())

    def kubeconfig(self) -> Path:
        """The first file of KUBECONFIG, or kubectl's usual one."""
        first = os.environ.get("KUBECONFIG", "").split(":")[0]
        return Path(first) if first else Path.home() / ".kube" / "config"

    def image(self, request: ImageRequest) -> str:
        """Build the image with Docker and push it to its registry."""
        request.check()
        commands.execute(self.image_commands(request))
        return commands.image_reference(request)

    def up_commands(self, request: UpRequest) -> list[Command]:
        """What ``up`` runs."""
        ready = commands.api_server_ready(self.kubeconfig())
        if request.kro is None or not request.install_kro:
            return [ready]
        return [ready, commands.install_kro(self.kubeconfig(), request.kro)]

    def down_commands(self) -> list[Command]:
        """Nothing."""
        return []

    def image_commands(self, request: ImageRequest) -> list[Command]:
        """What ``image`` runs."""
        if not names_a_registry(request.name):
            raise SetupError(
                f"image {request.name} has no registry: with an existing cluster, use --name "
                "REGISTRY/NAME:TAG with a registry that the cluster pulls from"
            )
        reference = commands.image_reference(request)
        return [commands.docker_build(reference), ("docker", "push", reference)]


def names_a_registry(name: str) -> bool:
    """Whether an image's name begins with a registry's host, by Docker's own rule."""
    host, separator, _ = name.partition("/")
    return bool(separator) and ("." in host or ":" in host or host == "localhost")
