"""Runs with several sizes of one workload."""

from collections.abc import Mapping, Sequence

from unit.analysis.recommendations.made import MIB, a_test, kro, run, summary

from krobench.api.specs.scaletest import Axis
from krobench.findings.growth import SizeAxis, Slope
from krobench.findings.scaling import (
    Curve,
    CurveFit,
    CurvePoint,
    Parameter,
    ScaleRecord,
    SizeRecord,
    SizeVerdict,
)
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord

WORKLOAD = {"scenario": "single"}
LINEAR = CurveFit(
    model="linear",
    parameters=[
        Parameter(name="intercept", value=50.0 * MIB),
        Parameter(name="slope", value=0.1 * MIB, low=0.08 * MIB, high=0.12 * MIB),
    ],
)
POWER = CurveFit(
    model="power",
    parameters=[
        Parameter(name="factor", value=1.0),
        Parameter(name="exponent", value=2.0, low=1.9, high=2.1),
    ],
)


def record_of_size(axis: Axis, size: int, mib: float) -> TestRecord:
    """Return the test of one size; where RGDs grow, each has two instances."""
    found = summary(rate=9.0)
    found.figures.root["kro.memory.residentBytes.max"] = mib * MIB
    rgds, instances = (size, 2 * size) if axis is Axis.RGDS else (1, size)
    return a_test(found, name=f"size-{size}", rgds=rgds, instances=instances)


def scaled(
    sizes: Mapping[int, float], axis: Axis = Axis.INSTANCES, fits: Sequence[CurveFit] = (LINEAR,)
) -> RunRecord:
    """Return a scale test with MiB by size."""
    tests = [record_of_size(axis, size, mib) for size, mib in sizes.items()]
    record = run(*tests, kro=kro())
    points = [CurvePoint(size=size, value=mib * MIB) for size, mib in sizes.items()]
    record.kind, record.spec = "KroScaleTest", {"workload": WORKLOAD}
    record.scale = ScaleRecord(
        axis=axis,
        sizes=[
            SizeRecord(size=size, test=f"size-{size}", verdict=SizeVerdict.MET) for size in sizes
        ],
        curves=[
            Curve(
                figure="kro.memory.residentBytes.max",
                unit="bytes",
                axis=axis,
                points=points,
                fits=list(fits),
            )
        ],
    )
    return record


def suite(axis: SizeAxis, sizes: Mapping[int, float], name: str = "t") -> RunRecord:
    """Return a benchmark of tests that differ in size alone, with MiB by size."""
    kind = Axis(axis)
    tests = [record_of_size(kind, size, mib) for size, mib in sizes.items()]
    for test in tests:
        test.name = f"{name}-{test.name}"
    record = run(*tests, kro=kro())
    record.spec = {"tests": [{"name": test.name, "workload": WORKLOAD} for test in tests]}
    record.slopes = [
        Slope(
            tests=[test.name for test in tests],
            axis=axis,
            sizes=list(sizes),
            figure="kro resident memory, max",
            unit="bytes",
            points=len(sizes),
            per_one=0.1 * MIB,
            low=0.09 * MIB,
            high=0.11 * MIB,
        )
    ]
    return record
