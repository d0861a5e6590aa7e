from pathlib import Path
from typing import Any, get_args

import pytest

from krobench.findings.bottleneck import Subject, SubjectKind
from krobench.findings.comparison import MetricVerdict, MoreReplicates, Replicates
from krobench.findings.finding import Quoted
from krobench.findings.recommendation import (
    Advice,
    Area,
    BudgetTooShort,
    CheaperCEL,
    CheaperCode,
    Confidence,
    FailingReconciles,
    FasterEtcd,
    FewerRevisions,
    HigherCPULimit,
    HigherGoMemoryLimit,
    HigherMemoryLimit,
    HigherMemoryRequest,
    MetricMissing,
    MoreInstanceWorkers,
    MoreNodeCPU,
    MoreRGDWorkers,
    MoreShards,
    NarrowerAdmission,
    NarrowerRGDs,
    NoWatchList,
    OwnPriorityLevel,
    QuotedAdvice,
    Recommendation,
    RelieveAPIServer,
    RepairRGD,
    ShorterChains,
    ShorterRequeues,
    TrialFailed,
    TrialStopped,
    Verification,
)
from krobench.report.words.recommendations import (
    recommendation_line,
    source,
    verification_paragraph,
)

MIB = 2**20
RATE = "throughput.instancesPerSecond"
ADVICE: list[Advice] = [
    MoreInstanceWorkers(
        workers=1,
        wanted=8,
        gain=8.08,
        work_seconds=0.1,
        bounded_by="NodeCPU",
        bound_per_second=97.6,
    ),
    MoreInstanceWorkers(
        workers=2,
        wanted=8,
        gain=4.0,
        work_seconds=0.1,
        bounded_by=None,
        bound_per_second=None,
    ),
    MoreRGDWorkers(wanted=8, wanted_for_revisions=4, gain=8.0, seconds_per_rgd=1.2),
    NoWatchList(seconds_per_rgd=1.2),
    ShorterRequeues(interval="3s", wanted="500ms", factor=6.0),
    FailingReconciles(failed_ratio=0.3),
    HigherMemoryLimit(limit="1Gi", wanted="1200Mi", killed=False),
    HigherMemoryLimit(limit="1Gi", wanted="1536Mi", killed=True),
    HigherGoMemoryLimit(wanted="96MiB"),
    HigherMemoryRequest(request="64Mi", wanted="96Mi", used_bytes=90.0 * MIB),
    HigherCPULimit(
        wanted="2",
        gain=2.0,
        instance_cpu_seconds=0.01,
        limit_cores=1.0,
        wanted_cores=2.0,
    ),
    ShorterChains(reconcile_seconds=0.05, work_seconds=0.4),
    NarrowerRGDs(reconciles=2.5, requests=120.0),
    CheaperCEL(share=0.4),
    FewerRevisions(kept=5, wanted=2, graph_bytes=7.5 * MIB),
    RepairRGD(subject=Subject(kind=SubjectKind.RGD, name="broken"), share=0.4),
    RepairRGD(subject=Subject(kind=SubjectKind.RESOURCE, name="example.com/v1/stuck"), share=0.4),
    OwnPriorityLevel(refused=18.0),
    RelieveAPIServer(requests_per_instance=120.0, request_seconds=0.02),
    RelieveAPIServer(requests_per_instance=None, request_seconds=None),
    MoreNodeCPU(share=0.4),
    NarrowerAdmission(
        subject=Subject(kind=SubjectKind.WEBHOOK, name="slow.example.com"), share=0.4
    ),
    FasterEtcd(share=0.4, fsync_seconds=0.05, disk_is_fast=False),
    FasterEtcd(share=0.4, fsync_seconds=0.001, disk_is_fast=True),
    FasterEtcd(share=0.4, fsync_seconds=None, disk_is_fast=False),
    MoreShards(shards=2),
    CheaperCode(of="CPU", group="cel-go", share=0.4, instance_cpu_seconds=0.01),
    CheaperCode(of="Allocations", group="cel-go", share=0.35, instance_cpu_seconds=None),
    QuotedAdvice(title="As stored", effect="It was so.", source="a page"),
]

MORE_RESTARTS = MoreReplicates(more=4, of=Replicates.RESTARTS, side="each", fewest=4)


def recommendation(advice: Advice) -> Recommendation:
    return Recommendation(advice=advice, area=Area.KRO_FLAG, test="a", confidence=Confidence.HIGH)


def test_each_recommendation_has_a_line_and_a_source() -> None:
    lines = [
        line
        for advice in ADVICE
        for line in (
            recommendation_line(recommendation(advice)),
            f"  {source(recommendation(advice))}",
        )
    ]
    assert lines == (Path(__file__).parent / "recommendations.txt").read_text().splitlines()
    assert {type(advice) for advice in ADVICE} == set(get_args(get_args(Advice)[0]))


def test_a_verification_has_a_paragraph() -> None:
    found = Verification(
        verdict=MetricVerdict.BETTER,
        metric=RATE,
        old_median=9.0,
        new_median=18.0,
        ratio=2.0,
        low=1.9,
        high=2.1,
        replicates=Replicates.RESTARTS,
        old_replicates=4,
        new_replicates=4,
    )
    assert verification_paragraph(found) == (
        "Instances per second: 9/s without it, 18/s with it, 2.00 times (95 % interval 1.90 "
        "to 2.10); 4 and 4 restarts of kro. The gain is real."
    )
    undecided = found.model_copy(
        update={"verdict": MetricVerdict.INCONCLUSIVE, "note": MORE_RESTARTS}
    )
    assert verification_paragraph(undecided).endswith(
        "A gain was neither shown nor ruled out: needs about 4 more restarts a side."
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("what an older version stored", "what an older version stored"),
        (BudgetTooShort(expected_seconds=60, left_seconds=5), "only 5 s of budget.duration"),
        (TrialStopped(stop=Quoted(text="the budget is used up")), "the budget is used up"),
        (TrialFailed(detail="kro did not start"), "kro did not start"),
        (MetricMissing(metric=RATE), RATE),
    ],
)
def test_a_recommendation_that_could_not_be_tried_says_why(error: Any, words: str) -> None:
    stored = {"verdict": None, "metric": RATE, "error": error}
    assert words in verification_paragraph(Verification.model_validate(stored))
