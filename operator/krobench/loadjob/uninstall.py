"""What ``helm uninstall`` does first: end all runs, restore kro, and delete what runs created.

Afterwards, every custom resource can be deleted without an operator.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from krobench.api.common import (
    API_GROUP,
    API_VERSION,
    FINALIZER,
    OPERATOR_ANNOTATION,
    RUN_LABEL,
    utc_now,
)
from krobench.api.kinds import RunKind, RunRef
from krobench.api.status import Phase
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.kube.timing import Timing
from krobench.load.cleanup import RunCleanup, leftover_line
from krobench.load.loops import RunClock
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.main import restore
from krobench.record.run import Orphans
from krobench.report.status import StatusFacts, StatusLine, describe
from krobench.report.words.reasons import reason_line

logger = logging.getLogger(__name__)

_LAST_SECONDS = 20.0
"""Kept for writing down what is left."""


class Uninstall:
    """Ends all runs of an installation."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        deployment: str,
        timeout_seconds: float,
        watched: Sequence[str] = (),
        timing: Timing | None = None,
    ) -> None:
        """``namespace`` is that of the operator, whose Deployment has the name ``deployment``.

        ``watched`` are the namespaces of its runs; all if there are none.
        """
        self._client = client
        self._namespace = namespace
        self._deployment = paths.group("apps", "v1", "deployments", namespace, deployment)
        self._watched = watched or (None,)
        self._clock = RunClock()
        self._end = timeout_seconds - _LAST_SECONDS
        self._timing = timing or Timing()

    async def run(self) -> list[str]:
        """Return what could not be done: kro is not as it was before a run."""
        await self._stop_operator()
        problems = []
        for kind, watched in product(RunKind, self._watched):
            collection = paths.group(API_GROUP, API_VERSION, kind.plural, watched)
            for item in await self._client.find_all(collection) or []:
                if self._is_ours(item["metadata"]):
                    problems += await self._end_run(kind, item)
        return problems

    def _is_ours(self, metadata: JsonObject) -> bool:
        """Whether this operator has started the run, and it is not over."""
        operator = (metadata.get("annotations") or {}).get(OPERATOR_ANNOTATION, self._namespace)
        return operator == self._namespace and FINALIZER in (metadata.get("finalizers") or ())

    async def _stop_operator(self) -> None:
        """Stop it, as it would start the next run."""
        try:
            deployment = await self._client.patch(self._deployment, {"spec": {"replicas": 0}})
        except ApiError as error:
            if not error.not_found:
                raise
            return
        labels: Mapping[str, str] = deployment["spec"]["selector"]["matchLabels"]
        await self._until_no_pods(",".join(f"{key}={value}" for key, value in labels.items()))

    async def _until_no_pods(self, selector: str) -> None:
        pods = paths.core("pods", self._namespace)
        while self._clock.now() < self._end:
            found = await self._client.list(pods, selector)
            phases = [pod.get("status", {}).get("phase") for pod in found]
            if all(phase in ("Succeeded", "Failed") for phase in phases):
                return
            await asyncio.sleep(self._timing.kro_poll)

    async def _end_run(self, kind: RunKind, item: JsonObject) -> list[str]:
        run = RunRef.of(kind, item["metadata"])
        logger.info("%s: ending the run", run)
        jobs = paths.group("batch", "v1", "jobs", self._namespace)
        selector = f"{RUN_LABEL}={run.uid}"
        for job in await self._client.list(jobs, selector, metadata_only=True):
            path = f"{jobs}/{job['metadata']['name']}"
            await self._client.delete(path, propagation="Background")
        await self._until_no_pods(selector)
        problems, left = [], ""
        try:
            async with asyncio.timeout(max(1.0, self._end - self._clock.now())):
                await restore(self._client, run.uid, only_kro=False, timing=self._timing)
        except KubeError as error:
            problems.append(f"{run}: kro was not restored: {error}")
        except (AbortedError, TimeoutError):
            left = _left(await RunCleanup(self._client, run.uid).audit())
            logger.warning("%s: %s", run, left)
        if not problems:
            await self._let_go(run, item, left)
        return problems

    async def _let_go(self, run: RunRef, item: JsonObject, left: str) -> None:
        """Write down how the run ended, and remove the finalizer."""
        old = run.kind.status.model_validate(item.get("status") or {})
        generation = item["metadata"].get("generation", 1)
        facts = StatusFacts(run.kind, generation, old, None, None, None, utc_now())
        message = "krobench was uninstalled during the run; install it and start the run again"
        warnings = (left,) if left else ()
        if old.phase is not None and old.phase.terminal:
            status = old.model_copy(update={"warnings": [*old.warnings, *warnings]})
        else:
            status = describe(facts, StatusLine(Phase.FAILED, "Uninstalled", message, warnings))
        body = status.model_dump(by_alias=True, mode="json", exclude_none=True)
        kept = [each for each in item["metadata"]["finalizers"] if each != FINALIZER]
        changes: list[tuple[str | None, dict[str, Any]]] = [
            ("status", {"status": body}),
            (None, {"metadata": {"finalizers": kept}}),
        ]
        for sub, change in changes:
            try:
                await self._client.patch(paths.run(run, sub), change)
            except ApiError as error:
                if not error.not_found:
                    raise


def _left(left: Orphans) -> str:
    if left.unavailable is not None:
        return f"what is left could not be counted: {reason_line(left.unavailable)}"
    return leftover_line(left)
