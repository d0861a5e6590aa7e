"""What the tests of a run share."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from krobench.api.kinds import RunRef
from krobench.api.specs.collect import Collect
from krobench.api.specs.results import Cleanup
from krobench.api.specs.validity import ValiditySettings
from krobench.figures.environment import NodeFingerprint
from krobench.figures.profile import TestProfile
from krobench.figures.rawdata import CelLine, ObjectRecord, Sample
from krobench.figures.reasons.profiles import FileReason
from krobench.kube.client import KubeClient
from krobench.kube.timing import Timing
from krobench.load.leftovers import GroupKind
from krobench.load.loops import RunClock
from krobench.load.shard import Workers
from krobench.loadjob.monitor import KnownKro, Monitor
from krobench.loadjob.profiling import Profiling
from krobench.loadjob.prometheus import ExistingPrometheus
from krobench.record.rawlines import LineFile
from krobench.record.run import TimeSpent
from krobench.record.test import IterationRecord, Teardown
from krobench.report.words.reasons import reason_line
from krobench.workload.testplan import TestPlan


@dataclass
class Spent:
    """Where the time of a run went so far, in seconds."""

    measured: float = 0.0
    warmup: float = 0.0
    set_up: float = 0.0
    cleanup: float = 0.0

    def add(self, test: TestPlan, done: IterationRecord) -> None:
        """Add an iteration that is complete."""
        run = (done.run_seconds or 0.0) + _creation_seconds(test, done)
        loaded = run + (done.soak.seconds if done.soak is not None else 0.0)
        if done.warmup and not done.profiled:
            self.warmup += loaded
        else:
            self.measured += loaded
        self.set_up += max(0.0, done.duration_seconds - run)
        if done.teardown is not None:
            self.cleanup += done.teardown.duration_seconds

    def of(self, total: float) -> TimeSpent:
        """Return where a run's time went that took so long."""
        return TimeSpent(
            total_seconds=round(total, 3),
            measured_seconds=round(self.measured, 3),
            warmup_seconds=round(self.warmup, 3),
            set_up_seconds=round(self.set_up, 3),
            cleanup_seconds=round(self.cleanup, 3),
            measured_share=round(self.measured / total, 4),
        )


def _creation_seconds(test: TestPlan, done: IterationRecord) -> float:
    """Return how long a test with several RGDs took for them: they are its load, too.

    The last one to be ready counts: they are sent at once, unless they use each other.
    """
    ready = done.latency.rgd_ready
    several = test.workload.rgds > 1
    return (ready.max_seconds or 0.0) if several and ready is not None else 0.0


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
    store_profiles: Callable[[int, Mapping[str, bytes]], Awaitable[dict[str, FileReason]]]
    """Stores raw profiles of a test; returns why some were not stored."""
    validity: ValiditySettings
    nodes: Sequence[NodeFingerprint]
    timing: Timing = field(default_factory=Timing)
    workers: Workers | None = None
    """The workers of a sharded load."""
    prometheus: ExistingPrometheus | None = None
    kros: dict[str, KnownKro] = field(default_factory=dict)
    """What this run has seen of each kro, by target and variant."""

    spent: Spent = field(default_factory=Spent)
    created: set[GroupKind] = field(default_factory=set)
    """The kinds that the run's RGDs create."""
    silent: set[str] = field(default_factory=set)
    """Sources of samples, or parts of them, about whose silence the run has warned."""

    def monitor(self, test: TestPlan) -> Monitor:
        """Return a monitor of the kro that a test measures."""
        key = f"{test.variant}: {test.target.model_dump_json()}"
        known = self.kros.setdefault(key, KnownKro())
        interval = self.timing.monitor_interval
        return Monitor(self.client, self.clock, test.target, known, interval)

    def expect_another_kro(self) -> None:
        """Accept that other pods run from now on: kro was restarted on purpose."""
        for known in self.kros.values():
            known.last = None

    def warn_of_remains(self, test: str, index: int, teardown: Teardown | None) -> None:
        """Warn if a cleanup has failed."""
        if teardown is not None and teardown.error is not None:
            self.warn(f"{test}: cleanup of iteration {index + 1}: {teardown.error.message}")

    async def store_profile(self, test: TestPlan, profiling: Profiling) -> TestProfile:
        """Store a test's raw profiles and return their breakdowns; warn about missing ones."""
        profile = await profiling.result()
        files = {file.key(test.name): data for file, data in profiling.files.items()}
        not_stored = await self.store_profiles(test.index, files)
        unavailable = profile.unavailable | not_stored
        for name, reason in unavailable.items():
            self.warn(f"{test.name}: profile {name} is not available: {reason_line(reason)}")
        return profile.model_copy(update={"unavailable": unavailable})
