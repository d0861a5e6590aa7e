"""Custom resources at each point of a run's life, with the statuses that the operator writes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unit.controller.world import SPECS, World, record

from krobench.api.common import GROUP_VERSION, ErrorInfo
from krobench.api.kinds import RunKind, RunRef
from krobench.api.status import Verdict
from krobench.findings.validity import PodReplaced, Validity
from krobench.record.run import RunState
from krobench.record.test import ThresholdResult

Resource = dict[str, Any]

GATE = {"bench.kro.run/gate": "true"}


def _not_seen(world: World) -> None:
    """The operator has not seen it yet."""


def _running(world: World) -> None:
    world.settle()
    world.results = world.record()
    world.settle()


def _queued(world: World) -> None:
    world.ahead = (RunRef(RunKind.BENCHMARK, "default", "other", "uid-0"),)
    world.settle()


def _suspended(world: World) -> None:
    world.spec = SPECS[world.kind] | {"suspend": True}
    world.settle()


def _cleaning_up(world: World) -> None:
    world.settle()
    world.fail_load()
    world.settle()


def _passed(world: World) -> None:
    world.settle()
    world.finish_load()
    world.settle()


def _missed(world: World) -> None:
    world.settle()
    tests = world.record(RunState.COMPLETED).tests
    if world.kind is RunKind.BENCHMARK:
        missed = ThresholdResult(expression="errors.total == 0", passed=False)
        tests = [record(RunState.COMPLETED).tests[0].model_copy(update={"thresholds": [missed]})]
    world.finish_load(tests=tests, verdict=Verdict.FAILED)
    world.settle()


def _invalid(world: World) -> None:
    world.settle()
    validity = Validity.of([PodReplaced(pod="kro-1", at_seconds=3.0, successors=[])])
    world.finish_load(validity=validity, verdict=Verdict.INVALID)
    world.settle()


def _broken(world: World) -> None:
    world.settle()
    world.fail_load(begun=False)
    world.settle()


def _refused(world: World) -> None:
    world.conflict = ErrorInfo(reason="ResultsConflict", message="the ConfigMap is not ours")
    world.settle()


@dataclass(frozen=True)
class Story:
    """What happened to a run, and how GitOps tools show it."""

    live: Callable[[World], None]
    kstatus: str
    argocd: str
    gated: tuple[str, str] | None = None
    """Flux' and Argo CD's health of a run with the annotation, if it differs."""


STORIES = {
    "not-seen": Story(_not_seen, "InProgress", "Progressing"),
    "running": Story(_running, "InProgress", "Progressing"),
    "queued": Story(_queued, "InProgress", "Progressing"),
    "cleaning-up": Story(_cleaning_up, "InProgress", "Progressing"),
    "suspended": Story(_suspended, "Current", "Suspended"),
    "passed": Story(_passed, "Current", "Healthy"),
    "missed": Story(_missed, "Current", "Healthy", ("Failed", "Degraded")),
    "invalid": Story(_invalid, "Current", "Healthy", ("Failed", "Degraded")),
    "broken": Story(_broken, "Failed", "Degraded"),
    "refused": Story(_refused, "Failed", "Degraded"),
}


def resource(story: Story, kind: RunKind, annotations: dict[str, str] | None = None) -> Resource:
    """Return the resource as an API server has it."""
    world = World(kind)
    story.live(world)
    status = world.status.model_dump(by_alias=True, mode="json", exclude_none=True)
    return {
        "apiVersion": GROUP_VERSION,
        "kind": kind.value,
        "metadata": {
            "name": "bench",
            "namespace": "default",
            "uid": "uid-1",
            "generation": 1,
            "annotations": annotations or {},
        },
        "spec": world.spec or SPECS[kind],
        "status": {"observedGeneration": -1} | status,  # the CRD's default
    }
