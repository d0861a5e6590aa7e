"""RGDs over the whole language: what kro accepts completes, what it rejects is told in its words.

``make rgds`` tries many: the environment variables KROBENCH_RGDS and KROBENCH_RGDS_SEED have their
number and which they are.
"""

import asyncio
import logging
import os
import uuid
from collections import Counter
from collections.abc import Sequence

import pytest
from cluster.kubectl import Cluster
from cluster.rgdlanguage import Sample, rgds
from hypothesis import HealthCheck, Phase, given, seed, settings

from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.load.cleanup import RunCleanup
from krobench.load.iteration import Iteration
from krobench.load.loops import RunClock
from krobench.loadjob.preflight import ensure_namespace
from krobench.workload.iterationplan import plan_iteration
from krobench.workload.testplan import plan_tests

TOGETHER = 6
COUNT = int(os.environ.get("KROBENCH_RGDS", "12"))
SEED = int(os.environ.get("KROBENCH_RGDS_SEED", "0"))


async def outcome(client: KubeClient, sample: Sample, number: int) -> str:
    """Return how a load with an RGD ended: Complete, or a reason and a message."""
    manifest, used = sample.numbered(number)
    rgd = {"inline": manifest, "requires": [{"inline": each} for each in used]}
    workload = {"rgd": rgd, "instances": 2}
    test = {"name": "a", "workload": workload, "timeout": "90s"}
    spec = KroBenchmarkSpec.model_validate({"tests": [test]})
    run = RunRef(RunKind.BENCHMARK, "default", f"rgd{number}", str(uuid.uuid4()))
    plan = plan_iteration(run, plan_tests(spec)[0], 0)
    await ensure_namespace(client, run, plan.namespace)
    cleanup = RunCleanup(client, run.uid)
    try:
        async with Iteration(client, RunClock(), plan) as iteration:
            await iteration.set_up()
            if iteration.outcome.error is None:
                await iteration.run(lambda: asyncio.sleep(0))
            result = iteration.finish()
            await iteration.delete_instances(60.0)
        ready = sum(line.ready_seconds is not None for line in result.records)
        latencies = [
            each - line.sent_seconds
            for line in result.records
            for each in (line.ready_seconds, line.first_child_seconds, line.last_child_seconds)
            if each is not None
        ]
        assert all(seconds >= 0.0 for seconds in latencies)
        if result.error is not None:
            return f"{result.error.reason}: {result.error.message}"
        assert ready == 3 + len(used)
        return "Complete"
    finally:
        deleted = await cleanup.delete_objects(60.0, force=True)
        await cleanup.delete_namespaces()
        assert deleted.error is None


def drawn(count: int) -> list[Sample]:
    """Return so many RGDs, each drawn for itself: of a long list, Hypothesis draws small ones."""
    found: list[Sample] = []

    @seed(SEED)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(rgds())
    def collect(sample: Sample) -> None:
        found.append(sample)

    collect()
    return found


@pytest.mark.untimed
def test_any_rgd_that_kro_accepts_completes_and_others_are_rejected_in_its_words(
    cluster: Cluster,
) -> None:
    async def all_of(batch: Sequence[Sample]) -> list[str]:
        async with KubeClient(load_client_config()) as client:
            return await asyncio.gather(
                *(outcome(client, sample, at) for at, sample in enumerate(batch))
            )

    seen: Counter[str] = Counter()
    wrong: list[tuple[str, Sample]] = []
    samples = drawn(COUNT)
    for start in range(0, len(samples), TOGETHER):
        batch = samples[start : start + TOGETHER]
        for found, sample in zip(asyncio.run(all_of(batch)), batch, strict=True):
            kind = found.partition(":")[0]
            seen[f"{sample.fault or 'valid'}: {kind}"] += 1
            if kind != ("RGDRejected" if sample.fault else "Complete"):
                wrong.append((found, sample))
    logging.getLogger(__name__).warning("%s", dict(seen))
    assert not wrong
