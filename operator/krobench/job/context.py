"""What the tests of a run share."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from krobench.api.kinds import RunRef
from krobench.api.specs.collect import Collect
from krobench.api.specs.kro import Target
from krobench.api.specs.results import Cleanup, ValiditySettings
from krobench.figures.environment import NodeFingerprint
from krobench.figures.lines import CelLine, ObjectRecord, Sample
from krobench.job.monitor import KnownKro, Monitor
from krobench.job.profiling import Profiling
from krobench.job.prometheus import ExistingPrometheus
from krobench.kube.client import KubeClient
from krobench.kube.timing import Timing
from krobench.load.clock import RunClock
from krobench.load.shard import Workers
from krobench.record.rawlines import LineFile
from krobench.record.test import TestRecord
from krobench.workload.testplan import TestPlan


@dataclass(frozen=True)
class RunContext:
    """What every test of a run shares."""

    client: KubeClient
    clock: RunClock
    run: RunRef
    cleanup: Cleanup
    collect: Collect
    publish: Callable[[], Awaitable[None]]
    """Stores the results of the whole run so far."""
    report: Callable[[str], None]
    """Reports the current activity."""
    warn: Callable[[str], None]
    objects: LineFile[ObjectRecord]
    samples: LineFile[Sample]
    cel: LineFile[CelLine]
    store_profiles: Callable[[int, Mapping[str, bytes]], Awaitable[dict[str, str]]]
    """Stores raw profiles of a test; returns why some were not stored."""
    validity: ValiditySettings
    nodes: Sequence[NodeFingerprint]
    timing: Timing = field(default_factory=Timing)
    crew: Workers | None = None
    """The workers of a sharded load."""
    prometheus: ExistingPrometheus | None = None
    kros: dict[str, KnownKro] = field(default_factory=dict)
    """What this run has seen of each kro, by target and variant."""

    silent: set[str] = field(default_factory=set)
    """Sources of samples, or parts of them, about whose silence the run has warned."""

    def known_kro(self, target: Target, variant: str | None) -> KnownKro:
        return self.kros.setdefault(f"{variant}: {target.model_dump_json()}", KnownKro())

    def monitor(self, test: TestPlan) -> Monitor:
        """Return a monitor of the kro that a test measures."""
        known = self.known_kro(test.target, test.variant)
        interval = self.timing.monitor_interval
        return Monitor(self.client, self.clock, test.target, known, interval)

    def expect_another_kro(self) -> None:
        """Accept that other pods run from now on: kro was restarted on purpose."""
        for known in self.kros.values():
            known.last = None


async def keep_profile(
    context: RunContext, test: TestPlan, record: TestRecord, profiling: Profiling
) -> None:
    """Add a test's profiles to its record and store them; warn about missing ones."""
    profile = record.profile = await profiling.result()
    files = {file.key(test.name): data for file, data in profiling.files.items()}
    profile.unavailable |= await context.store_profiles(test.index, files)
    for name, reason in profile.unavailable.items():
        context.warn(f"{test.name}: profile {name} is not available: {reason}")
