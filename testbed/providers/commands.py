"""The command lines that other tools are run with, as data.

They are made apart from being run, so that they can be read, and tested, where those tools
are not there.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from testbed import kro, shell
from testbed.errors import SetupError
from testbed.image import ImageRequest
from testbed.krosource import Release
from testbed.paths import SOURCE_DIR
from testbed.settings import KRO_NAMESPACE, KRO_RELEASE, KroSettings
from testbed.steps import say

Command = tuple[str, ...]

KRO_CHART = "oci://registry.k8s.io/kro/charts/kro"
_REPOSITORY = str(SOURCE_DIR.parent)
_DOCKERFILE = SOURCE_DIR.parent / "Dockerfile"


def install_kro(kubeconfig: Path, settings: KroSettings) -> Command:
    """Install kro's published chart with the values that the test bed uses."""
    if not isinstance(settings.source, Release):
        raise SetupError("only the provider testbed builds kro from source: others pull its image")
    version = f"--version={settings.source.version}"
    return (
        *("helm", "upgrade", "--install", KRO_RELEASE, KRO_CHART, version),
        *(f"--namespace={KRO_NAMESPACE}", "--create-namespace", f"--kubeconfig={kubeconfig}"),
        *("--set=debug.pprof.enabled=true", *kro.user_values(settings)),
        *("--wait", "--timeout=180s"),
    )


def api_server_ready(kubeconfig: Path) -> Command:
    """Ask the API server whether it is ready."""
    return ("kubectl", f"--kubeconfig={kubeconfig}", "get", "--raw=/readyz")


def find_kro(kubeconfig: Path) -> Command:
    """List kro's pods wherever they are."""
    labels = "--selector=app.kubernetes.io/name=kro"
    kubectl = ("kubectl", f"--kubeconfig={kubeconfig}", "get", "pods", "--all-namespaces")
    return (*kubectl, labels, "--no-headers")


def docker_build(reference: str) -> Command:
    """Build the operator's image with its Dockerfile."""
    return ("docker", "build", f"--tag={reference}", _REPOSITORY)


def image_reference(request: ImageRequest) -> str:
    """The image's name with a tag that changes with what goes into it."""
    inputs = [file for file in (request.wheel, request.requirements, _DOCKERFILE) if file.exists()]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in inputs)).hexdigest()
    return request.tagged(digest)


def execute(commands: Sequence[Command]) -> None:
    """Run commands one after the other, each shown before it runs."""
    check_installed(commands)
    for command in commands:
        say(f"==> {' '.join(command)}")
        shell.stream(command)


def check_installed(commands: Sequence[Command]) -> None:
    """Raise SetupError where a program that they need is not on PATH."""
    missing = sorted({command[0] for command in commands if not shell.is_installed(command[0])})
    if missing:
        raise SetupError(f"not on PATH, but needed for this provider: {', '.join(missing)}")
