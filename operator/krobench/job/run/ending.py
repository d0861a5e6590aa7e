"""How a run ends: its objects deleted and counted, and its record when it was given up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from krobench.kube.client import KubeClient
from krobench.load.sweep import Sweeper
from krobench.model.common import ErrorInfo, rfc3339, utc_now
from krobench.model.findings.verdict import Verdict
from krobench.model.record.run import RunRecord, RunState
from krobench.model.record.test import TestState
from krobench.model.specs.benchmark import Cleanup
from krobench.workload.identity import RunIdentity
from krobench.workload.testplan import TestPlan


@dataclass(frozen=True)
class Ending:
    """The clean-up of a run whose tests have ended."""

    client: KubeClient
    run: RunIdentity
    plans: Sequence[TestPlan]
    record: RunRecord
    tell: Callable[[str], None]
    """Says what is going on, for the progress."""
    warn: Callable[[str], None]

    async def clean_up(self, policy: Cleanup) -> None:
        """Delete what the run made, if it is not to be kept, and count what is left of it."""
        if policy.keeps(success=all(test.success for test in self.record.tests)):
            self.warn(
                f"objects were kept as spec.cleanup is {policy}; "
                f"krobench cleanup --run {self.run.uid} deletes them"
            )
            return
        self.tell("clean-up")
        sweeper = Sweeper(self.client, self.run)
        longest = max(plan.deletion_timeout_seconds for plan in self.plans)
        for teardown in (
            await sweeper.sweep(longest, force=True),
            await sweeper.sweep_namespaces(),
        ):
            if teardown.error is not None:
                self.warn(f"clean-up: {teardown.error.message}")
        await self._audit(sweeper)

    async def _audit(self, sweeper: Sweeper) -> None:
        used = {plan.namespace or self.run.namespace for plan in self.plans}
        orphans = self.record.orphans = await sweeper.audit(sorted(used))
        if orphans.count is None:
            self.warn(f"what is left of the run could not be counted: {orphans.unavailable}")
        elif orphans.count:
            self.warn(
                f"{orphans.count} objects of the run are left, the first is {orphans.objects[0]}"
            )


def give_up(record: RunRecord, info: ErrorInfo) -> None:
    """Say in a run's record that it was given up, and of each test what became of it."""
    record.state = RunState.ABORTED
    record.end_time = rfc3339(utc_now())
    record.error = info
    record.verdict = Verdict.ERROR
    for test in record.tests:
        if test.state is TestState.RUNNING:
            test.state, test.success, test.error = TestState.FAILED, False, info
        elif test.state is TestState.PENDING:
            test.state = TestState.SKIPPED
