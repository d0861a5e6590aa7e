"""promtool, which checks metrics and rules as Prometheus itself does."""

import subprocess

import pytest

from testbed import prometheus
from testbed.errors import SetupError
from testbed.paths import Cache, default_cache_dir


def promtool(*arguments: object, given: bytes = b"") -> str:
    """Run it and return what it complains about; skip the test on a machine without it."""
    try:
        programs = prometheus.programs(Cache(default_cache_dir()))
    except SetupError as error:
        pytest.skip(str(error))
    command = [str(programs / "promtool"), *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    text = (done.stdout + done.stderr).decode()
    return text if done.returncode or arguments[:2] == ("check", "metrics") else ""
