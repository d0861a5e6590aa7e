"""Argo CD, Flux and kstatus show a run as it is, from the statuses that the operator writes."""

from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.controller.world import NOW
from unit.deploy import argocd, flux
from unit.deploy.stories import GATE, STORIES, resource

from krobench.api.common import GROUP_VERSION
from krobench.api.crd import crd
from krobench.api.kinds import KINDS, Kind, RunKind
from krobench.report.status.schedule import ScheduleLine, conditions_of

each_story = pytest.mark.parametrize("name", STORIES)
each_kind = pytest.mark.parametrize("kind", RunKind)
each_customization = pytest.mark.parametrize(
    "directory", [argocd.CUSTOMIZATIONS / kind for kind in RunKind], ids=lambda path: path.name
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_resource_that_no_operator_has_seen_is_not_taken_for_done(kind: Kind) -> None:
    status = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}
    assert status["properties"]["observedGeneration"]["minimum"] == -1
    seen = resource(STORIES["not-seen"], RunKind.BENCHMARK)
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


SCHEDULE = {"schedule": "0 3 * * *", "benchmarkTemplate": {"spec": {}}}


def schedule(line: ScheduleLine | None, verdict: str | None = None, **metadata: Any) -> Any:
    """Return a schedule with the conditions that the operator writes."""
    status: dict[str, Any] = {"observedGeneration": -1}
    if line is not None:
        found = conditions_of([], line, 1, NOW)
        conditions = [each.model_dump(by_alias=True, mode="json") for each in found]
        status = {"observedGeneration": 1, "conditions": conditions}
    if verdict is not None:
        status["verdict"] = verdict
    return {
        "apiVersion": GROUP_VERSION,
        "kind": "KroBenchmarkSchedule",
        "metadata": {"name": "nightly", "namespace": "default", "generation": 1} | metadata,
        "spec": SCHEDULE | {"suspend": line is not None and line.suspended},
        "status": status,
    }


WAITS = ScheduleLine("Scheduled", "waits for the next run")
STALLED = ScheduleLine("InvalidSpec", "change it", stalled=True)
SUSPENDED = ScheduleLine("Suspended", "starts no runs", suspended=True)


@pytest.mark.parametrize(
    ("line", "verdict", "of_kstatus", "of_argo_cd", "gated"),
    [
        (None, None, "InProgress", "Progressing", None),
        (WAITS, None, "Current", "Healthy", None),
        (WAITS, "Passed", "Current", "Healthy", None),
        (WAITS, "Failed", "Current", "Healthy", ("Failed", "Degraded")),
        (WAITS, "Invalid", "Current", "Healthy", ("Failed", "Degraded")),
        (SUSPENDED, "Passed", "Current", "Suspended", None),
        (STALLED, "Passed", "Failed", "Degraded", None),
    ],
)
def test_a_schedule_is_shown_as_it_is(
    line: ScheduleLine | None,
    verdict: str | None,
    of_kstatus: str,
    of_argo_cd: str,
    gated: tuple[str, str] | None,
) -> None:
    plain = schedule(line, verdict)
    assert flux.kstatus(plain) == flux.health(plain) == of_kstatus
    assert argocd.health(plain)["status"] == of_argo_cd
    guarded = schedule(line, verdict, annotations=GATE)
    found = (flux.health(guarded), argocd.health(guarded)["status"])
    assert found == (gated or (of_kstatus, of_argo_cd))
    plain["metadata"]["generation"] += 1
    assert flux.kstatus(plain) == flux.health(plain) == "InProgress"
    assert argocd.health(plain)["status"] == "Progressing"


def test_argo_cd_can_run_suspend_and_resume_a_schedule() -> None:
    waits, suspended = schedule(WAITS), schedule(SUSPENDED)
    assert argocd.actions(waits) == {"run-now", "suspend"}
    assert argocd.actions(suspended) == {"run-now", "resume"}
    assert argocd.act(waits, "suspend")["spec"] == SCHEDULE | {"suspend": True}
    assert argocd.act(suspended, "resume")["spec"] == SCHEDULE | {"suspend": False}
    asked = argocd.act(waits, "run-now")["spec"]
    assert datetime.fromisoformat(asked.pop("runOnce")).tzinfo is not None
    assert asked == SCHEDULE | {"suspend": False}
