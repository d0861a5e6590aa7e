"""How a run ends: its objects deleted and counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from krobench.api.notation import units
from krobench.api.specs.benchmark import Cleanup
from krobench.kube.client import KubeClient
from krobench.load.cleanup import RunCleanup
from krobench.record.run import RunRecord
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
        cleanup = RunCleanup(self.client, self.run)
        longest = max(plan.deletion_timeout_seconds for plan in self.plans)
        for teardown in (
            await cleanup.delete_objects(longest, force=True),
            await cleanup.delete_namespaces(),
        ):
            if teardown.error is not None:
                self.warn(f"clean-up: {teardown.error.message}")
        await self._audit(cleanup)

    async def _audit(self, cleanup: RunCleanup) -> None:
        used = {plan.namespace or self.run.namespace for plan in self.plans}
        orphans = self.record.orphans = await cleanup.audit(sorted(used))
        if orphans.count is None:
            self.warn(f"what is left of the run could not be counted: {orphans.unavailable}")
        elif orphans.count:
            number = units.counted(orphans.count, "object")
            self.warn(f"{number} of the run are left, the first is {orphans.objects[0]}")
