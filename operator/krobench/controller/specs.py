"""What the controller has to know of a spec, of whichever kind."""

from krobench.analysis.comparison.settings import check_baseline
from krobench.analysis.scaling.slos import check_samples
from krobench.analysis.thresholds import check_slo, check_thresholds
from krobench.api.common import ErrorInfo
from krobench.api.kinds import RunSpec
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.program.sizes import fewest_observations, longest_scale_seconds, usable_sizes
from krobench.workload.source import has_unread_rgd
from krobench.workload.testplan import (
    check_objects,
    check_schedules,
    longest_run_seconds,
    plan_tests,
)


def check_spec(spec: RunSpec, max_objects: int) -> tuple[ErrorInfo, ...]:
    """Return what is wrong with a spec, as far as that is known before anything is run.

    Raises:
        WorkloadError: if it cannot be planned.
    """
    if isinstance(spec, KroBenchmarkSpec):
        return _check_benchmark(spec, max_objects)
    # What an SLO needs of a size can be told only of one that can be read.
    return tuple(check_slo(spec) or _check_sizes(spec, max_objects))


def _check_sizes(spec: KroScaleTestSpec, max_objects: int) -> list[ErrorInfo]:
    """Return why the smallest size cannot be run, or not be judged."""
    if has_unread_rgd(spec.workload):
        return []
    instances, rgds = fewest_observations(spec, usable_sizes(spec, max_objects).usable)
    too_few = check_samples(spec.slo, instances, rgds)
    return [too_few] if too_few is not None else []


def longest_seconds(spec: RunSpec) -> float:
    """Return the time after which a run of this spec cannot still be going on in good order."""
    if isinstance(spec, KroBenchmarkSpec):
        return longest_run_seconds(spec)
    return longest_scale_seconds(spec)


def shards_of(spec: RunSpec) -> int:
    """Return how many pods the load takes."""
    if isinstance(spec, KroBenchmarkSpec):
        return max(test.load.shards for test in spec.tests)
    return 1


def may_change_kro(spec: RunSpec) -> bool:
    """Whether kro may have to be put back as it was."""
    return bool(spec.variants) if isinstance(spec, KroBenchmarkSpec) else spec.verify


def _check_benchmark(spec: KroBenchmarkSpec, max_objects: int) -> tuple[ErrorInfo, ...]:
    plans = plan_tests(spec)
    # The children of an RGD that stands in a ConfigMap are known to the load Job only.
    known = [plan for plan in plans if not has_unread_rgd(plan.workload)]
    return (
        *check_thresholds(spec),
        *check_baseline(spec),
        *check_schedules(plans),
        *check_objects(known, max_objects),
    )
