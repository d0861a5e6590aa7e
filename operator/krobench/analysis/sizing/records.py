"""Which records can tell what a wanted scale takes, and why others cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from krobench.analysis.sizing.growth import Growth, SizingError, growths
from krobench.api.specs.axis import Axis
from krobench.findings.slope import SizeAxis
from krobench.record.run import RunRecord, RunState
from krobench.record.test import TestRecord

_EXAMPLE = "manifests/examples/growth.yaml"


@dataclass(frozen=True)
class Known:
    """What records say of one shape of RGDs."""

    run: RunRecord
    """The one that settings are taken from."""
    by_instances: Growth | None
    by_rgds: Growth | None

    @property
    def tests(self) -> list[TestRecord]:
        """All tests of the shape."""
        both = (self.by_instances, self.by_rgds)
        return [test for growth in both if growth is not None for test in growth.tests]


def what_is_known(runs: Sequence[RunRecord], test: str | None) -> Known:
    """Return what records say; ``test`` names one of the tests of the shape that is meant.

    Raises:
        SizingError: if they say nothing of growth, or of several shapes.
    """
    found: dict[SizeAxis, Growth] = {}
    shapes: dict[SizeAxis, Mapping[str, Any]] = {}
    for run in runs:
        _check(run)
        mine = [growth for growth in growths(run) if test is None or test in _names(growth)]
        if not mine:
            raise SizingError(_why_none(run, test))
        for growth in mine:
            if growth.axis in found:
                raise SizingError(
                    f"the records tell of several workloads that grow by {growth.axis} "
                    f"(tests {', '.join(_names(found[growth.axis]))}; {', '.join(_names(growth))})"
                    ": give one test of the one that is meant with --test"
                )
            found[growth.axis] = growth
            shapes[growth.axis] = _shape(run, growth)
    if len(shapes) == 2 and shapes["instances"] != shapes["rgds"]:
        raise SizingError(
            "the records are of different workloads: what one says of instances does not hold for "
            "the RGDs of the other"
        )
    return Known(runs[0], found.get("instances"), found.get("rgds"))


def _check(run: RunRecord) -> None:
    name = f"{run.namespace}/{run.name}"
    if run.state is not RunState.COMPLETED:
        raise SizingError(f"{name} did not come to its end: it is {run.state}")
    if run.validity is not None and not run.validity.valid:
        causes = "; ".join(cause.message for cause in run.validity.causes[:3])
        raise SizingError(f"{name} is invalid, and its numbers mean nothing: {causes}")


def _why_none(run: RunRecord, test: str | None) -> str:
    name = f"{run.namespace}/{run.name}"
    if run.scale is None:
        among = f" test {test} is one of" if test is not None else ""
        return (
            f"{name} has no slope of kro's memory{among}: that takes tests that differ in nothing "
            f"but instances or rgds, as in {_EXAMPLE}, or a KroScaleTest"
        )
    if run.scale.axis not in (Axis.INSTANCES, Axis.RGDS):
        return (
            f"{name} grows {run.scale.axis}: what instances or RGDs take is told by a test whose "
            "axis is instances or rgds"
        )
    sizes = len({step.size for step in run.scale.steps})
    return (
        f"{name} has no curve of kro's memory, with {sizes} size{'s' if sizes != 1 else ''}: that "
        "takes three or more at which it was measured"
    )


def _names(growth: Growth) -> list[str]:
    return [test.name for test in growth.tests]


def _shape(run: RunRecord, growth: Growth) -> Mapping[str, Any]:
    """Return the workload without its size."""
    if run.scale is not None:
        workload = run.spec.get("workload") or {}
    else:
        first = growth.tests[0].spec_name
        tests = run.spec.get("tests") or []
        workload = next((t.get("workload") for t in tests if t.get("name") == first), None) or {}
    return {key: value for key, value in workload.items() if key not in ("instances", "rgds")}
