"""What a driver needs of a cluster, in memory."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.figures.lines import ObjectRecord
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.load.children import Children
from krobench.load.clock import RunClock
from krobench.load.driver import Driver
from krobench.load.loops import Send
from krobench.load.observer import Followed, Observer
from krobench.load.operations import Operations, Target
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.testplan import plan_tests

Answer = Callable[[str], Awaitable[None]]


class FakeClient:
    """Answers create requests as ``answer`` says; waits for nothing before a repetition."""

    def __init__(self, answer: Answer, max_retries: int = 2) -> None:
        self._answer = answer
        self._max_retries = max_retries
        self.created: list[str] = []

    async def create(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        name = body["metadata"]["name"]
        self.created.append(name)
        await self._answer(name)
        return dict(body)

    async def backoff(self, error: ApiError | ApiUnreachableError, attempt: int) -> None:
        if attempt >= self._max_retries or (isinstance(error, ApiError) and not error.transient):
            raise error


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
    client: FakeClient, clock: RunClock, made: IterationPlan, observer: FakeObserver
) -> Send:
    """Return what sends the first step of a plan, by a fake client."""
    kube = cast("KubeClient", client)
    children = Children(kube, clock, made.namespace)
    operations = Operations(Driver(kube, clock, made), clock, made, children)
    operations.aim(
        [
            Target(rgd, "/rgds", cast("Followed", None), "/apis/x", cast("Observer", observer))
            for rgd in made.targets
        ]
    )
    return operations.sender(made.test.steps[0])
