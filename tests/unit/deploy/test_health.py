"""Argo CD, Flux and kstatus show a run as it is, from the statuses that the operator writes."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.deploy import argocd, flux
from unit.deploy.stories import GATE, STORIES, resource

from krobench.api.crd import crd
from krobench.api.kinds import RunKind

each_story = pytest.mark.parametrize("name", STORIES)
each_kind = pytest.mark.parametrize("kind", RunKind)
each_customization = pytest.mark.parametrize(
    "directory", sorted(argocd.CUSTOMIZATIONS.iterdir()), ids=lambda path: path.name
)


@each_kind
@each_story
def test_a_run_is_shown_as_it_is(name: str, kind: RunKind) -> None:
    story = STORIES[name]
    run = resource(story, kind)
    assert flux.kstatus(run) == story.kstatus
    assert flux.health(run) == story.kstatus
    assert argocd.health(run)["status"] == story.argocd


@each_kind
@each_story
def test_a_gate_fails_the_sync_of_a_run_that_has_not_passed(name: str, kind: RunKind) -> None:
    story = STORIES[name]
    expected = story.gated or (story.kstatus, story.argocd)
    run = resource(story, kind, annotations=GATE)
    assert (flux.health(run), argocd.health(run)["status"]) == expected


@each_kind
@each_story
def test_a_status_of_an_older_spec_tells_nothing(name: str, kind: RunKind) -> None:
    run = resource(STORIES[name], kind)
    run["metadata"]["generation"] += 1
    assert flux.kstatus(run) == flux.health(run) == "InProgress"
    assert argocd.health(run)["status"] == "Progressing"


@each_kind
def test_a_resource_that_no_operator_has_seen_is_not_taken_for_done(kind: RunKind) -> None:
    status = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}
    seen = resource(STORIES["not-seen"], kind)
    del seen["status"]
    assert flux.kstatus(seen) == "Current", "what kstatus makes of a resource without a status"


@each_kind
@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("not-seen", {"suspend"}),
        ("queued", {"suspend"}),
        ("suspended", {"resume"}),
        ("running", set()),
        ("cleaning-up", set()),
        ("passed", {"run-again"}),
        ("broken", {"run-again"}),
    ],
)
def test_argo_cd_offers_what_is_possible(name: str, actions: set[str], kind: RunKind) -> None:
    assert argocd.actions(resource(STORIES[name], kind)) == actions


@each_kind
def test_suspend_and_resume_change_nothing_else(kind: RunKind) -> None:
    queued = resource(STORIES["queued"], kind)
    suspended = argocd.act(queued, "suspend")
    assert suspended["spec"] == queued["spec"] | {"suspend": True}
    resumed = argocd.act(resource(STORIES["suspended"], kind), "resume")
    assert resumed["spec"] == queued["spec"] | {"suspend": False}


@each_kind
def test_run_again_makes_a_new_run_of_the_same_spec(kind: RunKind) -> None:
    run = resource(STORIES["passed"], kind, annotations=GATE)
    run["spec"] = deepcopy(run["spec"]) | {"results": {"configMapName": "own"}, "target": {}}
    [made] = argocd.act(run, "run-again")
    assert made["operation"] == "create"
    copy = made["resource"]
    kind.spec.model_validate(copy["spec"])
    assert copy["spec"] == {
        name: each for name, each in run["spec"].items() if name not in ("results", "target")
    }
    [owner] = copy["metadata"].pop("ownerReferences")
    assert owner["uid"] == run["metadata"]["uid"]
    assert copy["metadata"].keys() == {"name", "namespace"}
    assert copy["metadata"]["name"].startswith("bench-")
    assert len(copy["metadata"]["name"]) == len("bench-") + 10


def test_argo_cd_does_not_copy_what_it_would_change() -> None:
    run = resource(STORIES["passed"], RunKind.BENCHMARK)
    volume = {"name": "tmp", "emptyDir": {}}
    run["spec"] = {"tests": [{"workload": {"rgd": {"inline": {"volumes": [volume]}}}}]}
    assert argocd.actions(run) == set()
    long = resource(STORIES["passed"], RunKind.BENCHMARK)
    long["metadata"]["name"] = "x" * 42
    assert argocd.actions(long) == set()


@each_customization
def test_the_data_of_argo_cds_own_test_is_as_it_says(directory: Path) -> None:
    tests = yaml.safe_load((directory / "health_test.yaml").read_text())["tests"]
    assert len(tests) >= 5
    for test in tests:
        assert argocd.health(load(directory / test["inputPath"])) == test["healthStatus"]


@each_customization
def test_flux_sees_the_same_in_real_statuses(directory: Path) -> None:
    of_argo_cd = {"InProgress": {"Progressing"}, "Failed": {"Degraded"}}
    for path in sorted(directory.glob("testdata/*.yaml")):
        run = load(path)
        found = argocd.health(run)["status"]
        assert found in of_argo_cd.get(flux.health(run), {"Healthy", "Suspended"}), path
        gated = "bench.kro.run/gate" in run["metadata"].get("annotations", {})
        assert gated or flux.kstatus(run) == flux.health(run)


@each_customization
def test_the_data_of_argo_cds_own_test_of_actions_is_as_it_says(directory: Path) -> None:
    at = directory / "actions"
    tests = yaml.safe_load((at / "action_test.yaml").read_text())
    for test in tests["discoveryTests"]:
        offered = {each["name"] for each in test["result"] if not each.get("disabled")}
        assert argocd.actions(load(at / test["inputPath"])) == offered
    for test in tests["actionTests"]:
        source, expected = load(at / test["inputPath"]), load(at / test["expectedOutputPath"])
        made = argocd.act(source, test["action"])
        if isinstance(made, list):
            [made], [expected] = made, expected
            made, expected = made["resource"], expected["unstructuredObj"]
            made["metadata"]["name"] = expected["metadata"]["name"]  # ends with the time
        assert made["spec"] == expected["spec"]
        assert made["metadata"]["name"] == expected["metadata"]["name"]


def test_real_statuses_of_all_ends_are_among_the_data() -> None:
    phases = {
        (path.parts[-3], run["status"]["phase"], run["status"].get("verdict"))
        for path in argocd.CUSTOMIZATIONS.glob("*/testdata/*.yaml")
        if "phase" in (run := load(path)).get("status", {})
    }
    for kind in RunKind:
        assert {(kind.value, "Completed", "Passed"), (kind.value, "Suspended", None)} <= phases


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())
