"""What a release publishes is what the chart installs, and is made of known parts."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.deploy.rendering import CHART, MANIFESTS, ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def workflow(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    return content


def steps(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in content["jobs"].values():
        yield from job["steps"]


def test_the_chart_installs_the_image_that_a_release_publishes() -> None:
    published = workflow("release.yaml")["env"]["IMAGE"]
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    [manifest] = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())["images"]
    assert values["image"]["repository"] == manifest["name"] == published


def test_the_charts_page_installs_the_chart_that_a_release_publishes() -> None:
    charts = workflow("release.yaml")["env"]["CHARTS"]
    assert f"oci://{charts}/krobench --version" in (CHART / "README.md").read_text()


def test_an_image_is_published_for_both_architectures_with_its_parts_and_origin() -> None:
    [build] = [
        step["with"]
        for step in steps(workflow("release.yaml"))
        if step.get("uses", "").startswith("docker/build-push-action@")
    ]
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert build["sbom"] is True
    assert build["provenance"] == "mode=max"


def test_all_versions_are_one() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [manifest] = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())["images"]
    image = re.search(r"^ARG VERSION=(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert image is not None
    versions = {chart["version"], chart["appVersion"], manifest["newTag"], image[1]}
    assert versions == {project["version"]}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_jobs_may_do_little(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
    assert workflow(path.name)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_hashes(lock: Path) -> None:
    entries = lock.read_text().replace("\\\n", "").splitlines()
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+\s+--hash=sha256:", entry), entry


def test_every_installation_from_a_lock_checks_the_hashes() -> None:
    places = [ROOT / "Makefile", ROOT / "Dockerfile"]
    commands = [
        command
        for place in places
        for command in re.split(r"&&|\n", place.read_text().replace("\\\n", ""))
        if re.search(r"pip install.*requirements", command)
    ]
    assert len(commands) == 3
    for command in commands:
        assert "--require-hashes" in command


def test_the_base_image_is_pinned_and_its_user_is_a_number() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    bases = set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) - {"base"}
    assert bases
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", base) for base in bases)
    assert re.search(r"^USER \d+:\d+$", dockerfile, re.MULTILINE)
