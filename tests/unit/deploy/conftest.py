import shutil
import subprocess
import sys

import pytest
from unit.deploy.rendering import ROOT, Key, Manifest, Render, by_key, template


def find_tool(name: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "testbed", "tool", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        pytest.skip(f"there is no {name}, and it cannot be built here: {result.stderr[-500:]}")
    return result.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def helm() -> str:
    return find_tool("helm")


@pytest.fixture(scope="session")
def kubectl() -> str:
    return shutil.which("kubectl") or find_tool("kubectl")


@pytest.fixture
def render(helm: str) -> Render:
    def run(*values: str, release: str = "krobench") -> dict[Key, Manifest]:
        result = template(helm, *values, release=release)
        assert result.returncode == 0, result.stderr
        return by_key(result.stdout)

    return run
