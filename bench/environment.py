"""The cluster that benches run on: that of the test bed package."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def testbed(*arguments: str) -> str:
    """Run a command of the test bed; returns what it prints."""
    return _output([sys.executable, "-m", "testbed", *arguments])


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Run kubectl; returns what it prints. KUBECONFIG has to be set."""
    return _output([testbed("tool", "kubectl"), *arguments], stdin)


def _output(command: list[str], stdin: str | None = None) -> str:
    return subprocess.run(
        command, cwd=ROOT, check=True, input=stdin, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
