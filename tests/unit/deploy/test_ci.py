"""What kro's maintainers copy into their CI."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

CI = Path(__file__).parents[3] / "ci"
WORKFLOWS = sorted((CI / "github").glob("*.yaml"))
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


def test_workflows_are_such_as_github_takes(tmp_path: Path) -> None:
    # Where a workflow finds the action that it uses.
    shutil.copytree(CI / "github", tmp_path / "krobench/ci/github")
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for workflow in WORKFLOWS:
        shutil.copy(workflow, workflows)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    command = ["go", "run", ACTIONLINT, "-no-color"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(workflow: Path) -> None:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    used = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    assert all(len(each.partition("@")[2]) == 40 for each in used if not each.startswith("./"))


def test_prow_runs_a_script_that_is_there() -> None:
    jobs = yaml.safe_load((CI / "prow/jobs.yaml").read_text())
    [presubmit] = jobs["presubmits"]["kubernetes-sigs/kro"]
    [periodic] = jobs["periodics"]
    for job in (presubmit, periodic):
        [container] = job["spec"]["containers"]
        assert container["args"][0].endswith("ci/prow/measure.sh")
    subprocess.run(["bash", "-n", CI / "prow/measure.sh"], check=True)
