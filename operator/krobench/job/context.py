"""What the tests of a run share, and what each kind of them does alike."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from krobench.api.kinds import RunRef
from krobench.api.specs.benchmark import Cleanup
from krobench.api.specs.collect import Collect
from krobench.api.specs.kro import Target
from krobench.api.specs.results import ValiditySettings
from krobench.figures.environment import NodeFingerprint
from krobench.figures.lines import CelLine, ObjectRecord, Sample
from krobench.job.monitor import KnownKro
from krobench.job.profiling import Profiling
from krobench.job.prometheus import ExistingPrometheus
from krobench.kube.client import KubeClient
from krobench.load.clock import RunClock
from krobench.load.shard import Crew
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
    """Stores the whole run as it stands."""
    tell: Callable[[str], None]
    """Says what is going on, for the progress."""
    warn: Callable[[str], None]
    objects: LineFile[ObjectRecord]
    samples: LineFile[Sample]
    cel: LineFile[CelLine]
    store_profiles: Callable[[int, Mapping[str, bytes]], Awaitable[dict[str, str]]]
    """Stores raw profiles of a test, and returns why some could not be."""
    validity: ValiditySettings
    nodes: Sequence[NodeFingerprint]
    crew: Crew | None = None
    """The other shards, where a test asks for any."""
    prometheus: ExistingPrometheus | None = None
    kros: dict[str, KnownKro] = field(default_factory=dict)
    """What is known of each kro, by its target and variant."""

    silent: set[str] = field(default_factory=set)
    """Sources of samples, or parts of these, of which it was told that they gave nothing."""

    def known_kro(self, target: Target, variant: str | None) -> KnownKro:
        """Return what is known of the kro at this target under this variant."""
        return self.kros.setdefault(f"{variant}: {target.model_dump_json()}", KnownKro())

    def expect_another_kro(self) -> None:
        """Take it for no finding that other pods run now: kro was restarted on purpose."""
        for known in self.kros.values():
            known.last = None


async def keep_profile(
    context: RunContext, test: TestPlan, record: TestRecord, profiling: Profiling
) -> None:
    """Put into a test's record what its profiles say, and store them; what is missing is told."""
    profile = record.profile = await profiling.result()
    files = {file.key(test.name): data for file, data in profiling.files.items()}
    profile.unavailable |= await context.store_profiles(test.index, files)
    for name, reason in profile.unavailable.items():
        context.warn(f"{test.name}: profile {name} is not available: {reason}")
