"""What a driver needs of a cluster, in memory."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from doubles.cluster import MemoryApi

from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.figures.rawdata import ObjectRecord
from krobench.kube.client import JsonObject, KubeClient
from krobench.load.children import Children
from krobench.load.driver import Driver
from krobench.load.lifecycle import Kind
from krobench.load.loops import RunClock, Send
from krobench.load.observer import Followed, Observer
from krobench.load.operations import Operations, Target
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.testplan import plan_tests

Answer = Callable[[str], Awaitable[None]]


class AnsweringApi(MemoryApi):
    """Answers create requests as ``answer`` does."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer
        self.created: list[str] = []

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        name = body["metadata"]["name"]
        self.created.append(name)
        await self._answer(name)


class FakeObserver:
    """Says at once that whatever was announced is ready, or never."""

    def __init__(self, ready: bool = True) -> None:
        self._ready = ready
        self.followed: list[Followed] = []

    def follow(self, record: ObjectRecord) -> Followed:
        followed = Followed(record)
        if self._ready:
            followed.ready.set_result(None)
        self.followed.append(followed)
        return followed


def plan(instances: int, **test: Any) -> IterationPlan:
    """Return an iteration of this many instances."""
    workload = {"scenario": "single", "instances": instances}
    spec = KroBenchmarkSpec.model_validate(
        {"tests": [{"name": "a", "workload": workload} | test], "defaults": {"warmup": 0}}
    )
    identity = RunRef(RunKind.BENCHMARK, "default", "bench", "0a1b2c3d-4e5f-6789-abcd-ef0123456789")
    return plan_iteration(identity, plan_tests(spec)[0], 0)


def sender(
    client: KubeClient, clock: RunClock, made: IterationPlan, observer: FakeObserver
) -> Send:
    """Return what sends the first phase of a plan."""
    children = Children(client, clock, made.namespace)
    operations = Operations(Driver(client, clock, made), clock, made, children)
    operations.aim(
        [
            Target(
                rgd,
                "/apis/x/v1/rgds",
                cast("Followed", None),
                "/apis/x/v1/kinds",
                cast("Observer", observer),
                cast("Kind", None),
            )
            for rgd in made.targets
        ]
    )
    return operations.sender(made.test.phases[0])
