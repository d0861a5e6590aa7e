"""The status of clusters whose components are out of sight."""

from pathlib import Path

from testbed import shell
from testbed.errors import SetupError
from testbed.providers import commands
from testbed.providers.base import StatusReport


def status_of(kubeconfig: Path) -> StatusReport:
    """Whether the API server is ready and kro runs."""
    questions = [commands.api_server_ready(kubeconfig), commands.find_kro(kubeconfig)]
    commands.check_installed(questions)
    try:
        ready = shell.run(questions[0], timeout_seconds=30).strip()
        pods = shell.run(questions[1], timeout_seconds=30).strip()
    except SetupError as error:
        return StatusReport(False, str(error), {"healthy": False, "error": str(error)})
    text = f"API server: {ready}\nkro: {pods or 'not found'}"
    data = {"healthy": True, "api_server": ready, "kro_pods": pods.splitlines()}
    return StatusReport(True, text, data)
