"""Output that the documents quote is what the program prints today."""

from unit.docs.documents import ROOT
from unit.records import some_run

from krobench.findings.comparison import MetricVerdict, OnlyIterations, Replicates, Undecided
from krobench.findings.evidence import Evidence, EvidenceCode, evidence
from krobench.findings.recommendation import (
    Area,
    Confidence,
    MoreInstanceWorkers,
    Recommendation,
    Setting,
    Verification,
)
from krobench.findings.sizing import (
    CpuPerInstance,
    MemoryGrowth,
    ScaleExtrapolated,
    SizedFigure,
    Sizing,
    WorkerPerInstance,
)
from krobench.report import sizing
from krobench.report.recommendations import recommendations_section
from krobench.report.words.comparison import inconclusive_line

_MEASURED: list[Evidence] = [
    *evidence(EvidenceCode.WORKER_UTILISATION, 0.995, 0.75),
    *evidence(EvidenceCode.WORK_PER_INSTANCE, 0.103),
    *evidence(EvidenceCode.QUEUE_WAIT_MEAN, 0.898, 0.0515),
    *evidence(EvidenceCode.USE_OF_CPU_LIMIT, 0.0902, 0.8),
    *evidence(EvidenceCode.USE_OF_NODE_CPU, 0.267, 0.8),
]


def verified_recommendation() -> Recommendation:
    """What ``manifests/examples/verify.yaml`` found on the test bed on 2026-11-24."""
    return Recommendation(
        advice=MoreInstanceWorkers(
            workers=1,
            wanted=4,
            gain=3.7,
            work_seconds=0.10295,
            bounded_by="NodeCPU",
            bound_per_second=36.2,
        ),
        area=Area.KRO_FLAG,
        test="instances-30",
        settings=[
            Setting(
                name="--dynamic-controller-concurrent-reconciles",
                current="1",
                advised="4",
                helm_value="config.dynamicControllerConcurrentReconciles",
            )
        ],
        confidence=Confidence.HIGH,
        evidence=_MEASURED,
        verification=Verification(
            verdict=MetricVerdict.BETTER,
            metric="throughput.instancesPerSecond",
            old_median=9.38,
            new_median=27.1,
            ratio=2.89,
            low=2.45,
            high=3.13,
            replicates=Replicates.RESTARTS,
            old_replicates=4,
            new_replicates=4,
        ),
    )


def test_the_quoted_recommendation_is_what_a_report_prints() -> None:
    run = some_run(recommendations=[verified_recommendation()])
    printed = recommendations_section(run).removeprefix("## What to change")
    page = (ROOT / "docs/explanation/recommendations.md").read_text()
    quoted = [line.removeprefix(">") for line in page.splitlines() if line.startswith(">")]
    assert "\n".join(quoted).split() == printed.split()


def small_sizing() -> Sizing:
    """Of the same run, for 500 instances."""
    sizes = MemoryGrowth(
        axis="instances",
        sizes=[10, 20, 30],
        model="linear",
        rate=76.4 * 1024,
        low=0,
        high=409 * 1024,
    )
    return Sizing(
        workload="single",
        kro_version="0.9.4",
        rgds=1,
        instances=500,
        instances_per_second=20,
        memory=SizedFigure(
            figure="memory",
            unit="bytes",
            value=94.6 * 2**20,
            low=58.6 * 2**20,
            high=248 * 2**20,
            from_=[sizes],
            extrapolated=True,
        ),
        cpu=SizedFigure(
            figure="cpu",
            unit="cores",
            value=0.187,
            low=0.18,
            high=0.19,
            from_=[CpuPerInstance(seconds=0.00933, low=0.009, high=0.0095)],
            extrapolated=True,
        ),
        workers=SizedFigure(
            figure="workers",
            unit="number",
            value=3,
            from_=[WorkerPerInstance(seconds=0.103, busy=0.7)],
            extrapolated=True,
        ),
        settings=[
            Setting(name="requests.cpu", current="256m", advised="200m"),
            Setting(name="requests.memory", current="128Mi", advised="256Mi"),
            Setting(name="limits.cpu", current="1", advised="1"),
            Setting(name="limits.memory", current="1Gi", advised="384Mi"),
            Setting(name="--dynamic-controller-concurrent-reconciles", current="1", advised="3"),
        ],
        notes=[ScaleExtrapolated(times=16.7)],
    )


def test_the_quoted_sizing_is_what_the_command_prints() -> None:
    printed = sizing.text(small_sizing())
    page = (ROOT / "docs/how-to/sizing.md").read_text()
    _, _, block = page.partition("--rate 20\nsingle")
    quoted, _, _ = block.partition("```")
    before, after = f"single{quoted}".split("\n...\n")
    assert printed.startswith(before.strip())
    assert after.strip() in printed


def test_the_quoted_notes_of_comparisons_are_what_is_printed() -> None:
    page = (ROOT / "docs/how-to/scale-tests.md").read_text()
    for note in (Undecided(of=Replicates.RUNS, detectable=0.312), OnlyIterations(runs=4)):
        assert f"inconclusive: {inconclusive_line(note)}\n" in page
