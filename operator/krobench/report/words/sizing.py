"""A sizing in words: what its figures are based on, and what to know before using it."""

from typing import assert_never

from krobench.api import units
from krobench.findings.sizing import (
    AnyBasis,
    AnySizingNote,
    AnySizingRefusal,
    CpuPerInstance,
    MemoryGrowth,
    MemoryHeadroom,
    MemoryVague,
    MemoryWithoutInterval,
    NoCpuPerInstance,
    NoSlope,
    NoThroughput,
    OtherAxis,
    OtherInstances,
    OtherRgds,
    RateExtrapolated,
    RateUsed,
    RevisionsNotIncluded,
    RunInvalid,
    RunNotCompleted,
    ScaleExtrapolated,
    SeveralWorkloads,
    TooFewSizes,
    WorkerPerInstance,
    WorkloadsDiffer,
)
from krobench.report.intervals import spanned

_EXAMPLE = "manifests/examples/growth.yaml"
FIGURES = {
    "memory": "kro memory, max",
    "cpu": "kro CPU, mean",
    "workers": "instance workers",
}


def basis_line(found: AnyBasis) -> str:
    """Return what a figure was computed from."""
    match found:
        case MemoryGrowth():
            return _growth(found)
        case CpuPerInstance():
            return (
                f"{units.seconds(found.seconds)} of CPU time per instance at the largest size, "
                f"{units.seconds(found.low)} to {units.seconds(found.high)} over all sizes"
            )
        case WorkerPerInstance():
            return (
                f"{units.seconds(found.seconds)} of a worker per instance, with workers busy for "
                f"{units.percent(found.busy)} of the time"
            )
        case _:
            assert_never(found)


def _growth(found: MemoryGrowth) -> str:
    sizes = ", ".join(f"{size:g}" for size in found.sizes)
    what, one = ("RGDs", "RGD") if found.axis == "rgds" else ("instances", "instance")
    text = f"measured at {sizes} {what}: grows "
    if found.model == "power":
        return f"{text}with the power {found.rate:.3g} of their number"
    if found.low is None or found.high is None:
        return f"{text}by {units.size(found.rate)} for each further {one}"
    rate, ends = spanned(found.rate, found.low, found.high, units.size)
    return f"{text}by {rate} for each further {one} (95 % interval {ends})"


def note_paragraph(note: AnySizingNote) -> str:  # noqa: PLR0911 - a text for each finding
    """Return what to know before using a sizing."""
    match note:
        case ScaleExtrapolated():
            return (
                f"Extrapolated: this scale is {_times(note.times)} times what was measured. "
                "Something else may break before it is reached."
            )
        case MemoryVague():
            return (
                f"The memory estimate is vague: its upper end is {_times(note.times)} times the "
                "estimate, and requests and limits are for that end. Measure sizes closer to this "
                "scale, or repeat them more often, before you use these values."
            )
        case MemoryWithoutInterval():
            return (
                "Memory has no interval because there are too few iterations. Repeat each size, or "
                "measure more sizes."
            )
        case MemoryHeadroom():
            return (
                f"The memory limit has {units.percent(note.ratio)} of headroom above the upper "
                "end, because a restart compiles all RGDs at once."
            )
        case RateUsed():
            which = "as requested" if note.requested else "the highest that was measured"
            return (
                f"CPU and workers are for {units.rate(note.per_second)}, {which}. Requests are the "
                f"mean; limits keep processors busy for at most {units.percent(note.busy)} of the "
                "time and are not lower than now."
            )
        case RateExtrapolated():
            return (
                f"Extrapolated: this rate is {_times(note.times)} times the highest that was "
                "measured. Workers share kro's CPU and the API server, so additional workers "
                "gain less and less."
            )
        case RevisionsNotIncluded():
            return (
                f"Not included: up to {units.size(note.most_bytes)} more after every RGD was "
                f"updated {note.kept - 1} times, because kro keeps {note.kept} compiled revisions "
                f"of each RGD, about {units.size(note.bytes_each)} each. Lower it with "
                f"{note.setting}."
            )
        case _:
            assert_never(note)


def sizing_refusal_line(found: AnySizingRefusal) -> str:  # noqa: C901, PLR0911
    """Return why records are not enough for a sizing, and what to do."""
    match found:
        case RunNotCompleted():
            return f"{found.run} is {found.state}: use a completed run"
        case RunInvalid():
            return f"{found.run} is invalid: {', '.join(found.causes)}"
        case NoSlope():
            among = f" with test {found.test}" if found.test is not None else ""
            return (
                f"{found.run} has no slope of kro's memory{among}: run tests that differ only in "
                f"instances or rgds, as in {_EXAMPLE}, or a KroScaleTest"
            )
        case OtherAxis():
            return f"{found.run} grows {found.axis}: use a scale test with axis instances or rgds"
        case TooFewSizes():
            return (
                f"{found.run} has {units.counted(found.sizes, 'size')}, too few for a curve of "
                "kro's memory: run three or more"
            )
        case SeveralWorkloads():
            tests = "; ".join(", ".join(each) for each in found.tests)
            return (
                f"the records have several workloads that grow by {found.axis} (tests {tests}): "
                "name a test of the wanted one with --test"
            )
        case WorkloadsDiffer():
            return (
                "the records have different workloads, so growth by instances in one does not "
                "apply to the RGDs of the other: use records of one workload"
            )
        case NoThroughput():
            return "no throughput was measured: set one with --rate"
        case OtherInstances():
            return (
                f"the record has {found.had:g} instances at that many RGDs, and does not show what "
                f"other numbers take: use --instances {found.had:g}, or add a record with axis "
                "instances"
            )
        case OtherRgds():
            had = ", ".join(map(str, found.had))
            return (
                f"the record has {had} RGD{'s' if had != '1' else ''} at every size, and does not "
                f"show what {found.wanted} take: add a record with axis rgds, or use --rgds {had}"
            )
        case NoCpuPerInstance():
            return "the records have no CPU time of kro per instance: use other records"
        case _:
            assert_never(found)


def _times(factor: float) -> str:
    return units.number(float(f"{factor:.3g}"))
