from unit.controller.world import record

from krobench.findings.bottleneck import (
    Attribution,
    Bottleneck,
    BottleneckCode,
    BottleneckKind,
    Subject,
    SubjectKind,
)
from krobench.findings.evidence import EvidenceCode, evidence
from krobench.record.run import RunState
from krobench.record.test import TestRecord
from krobench.report.bottlenecks import bottlenecks_section


def judged(attribution: Attribution | None) -> list[TestRecord]:
    test = record(RunState.COMPLETED).tests[0]
    test.attribution = attribution
    return [test]


def test_causes_are_ranked_with_their_evidence() -> None:
    workers = Bottleneck(
        code=BottleneckCode.INSTANCES_QUEUE,
        kind=BottleneckKind.KRO_WORKERS,
        subject=Subject(kind=SubjectKind.INSTANCE_WORKERS),
        score=0.87,
        evidence=[
            *evidence(EvidenceCode.QUEUED_SHARE, 0.9),
            *evidence(EvidenceCode.WORKER_UTILISATION, 0.97, 0.8),
            *evidence(EvidenceCode.WORKERS, 8, supports=False),
        ],
    )
    text = bottlenecks_section(judged(Attribution(bottlenecks=[workers])))
    assert text.startswith("## What held kro back")
    assert (
        "| a | 1 | kro's workers: instance workers | 0.87 | instances waited for one of kro's 8 "
        in text
    )
    assert "| utilisation of the workers | 97 % | above 80 % | yes |" in text
    assert "| workers | 8 | - | no |" in text


def test_a_test_without_a_bottleneck_shows_what_was_not_measured() -> None:
    attribution = Attribution(unavailable={BottleneckKind.ETCD: "nothing was sampled"})
    text = bottlenecks_section(judged(attribution))
    assert "| a | - | nothing stands out | - | - |" in text
    assert "Neither found nor ruled out:\n\n- etcd: nothing was sampled (a)" in text
    assert "Evidence" not in text


def test_there_is_no_section_if_nothing_was_judged() -> None:
    assert bottlenecks_section(judged(None)) == ""
