from pathlib import Path

import pytest

from krobench.findings.bottleneck import (
    Bottleneck,
    BottleneckCode,
    BottleneckKind,
    Missing,
    Subject,
    SubjectKind,
)
from krobench.findings.evidence import Evidence, EvidenceCode, QuotedEvidence, evidence
from krobench.report.words.bottlenecks import bottleneck_line, cause_name, missing_line
from krobench.report.words.evidence import evidence_line

VALUES = {"seconds": 0.625, "bytes": 90.0 * 2**20, "ratio": 0.625, "number": 3.0, "cores": 0.6}
BOUNDS = {
    EvidenceCode.IDLE_PER_OPERATION: 3.0,
    EvidenceCode.FAILED_BUILD_SECONDS: 18.0,
}
SUBJECTS = {
    BottleneckCode.RGDS_QUEUE: Subject(kind=SubjectKind.RGD_WORKERS),
    BottleneckCode.REQUESTS_REFUSED: Subject(kind=SubjectKind.FLOW_SCHEMA, name="tenants"),
    BottleneckCode.ADMISSION_SLOW: Subject(kind=SubjectKind.WEBHOOK, name="slow.example.com"),
    BottleneckCode.OTHER_KIND_WORKED_ON: Subject(
        kind=SubjectKind.RESOURCE, name="example.com/v1/stuck"
    ),
    BottleneckCode.GRAPH_BUILDS_FAIL: Subject(kind=SubjectKind.RGD, name="broken"),
}
ALL = [
    item
    for code in EvidenceCode
    if code is not EvidenceCode.QUOTED
    for item in evidence(code, VALUES.get(code.unit, 12.5), BOUNDS.get(code, 0.25), subject="x")
]


def bottleneck(code: BottleneckCode, **changes: object) -> Bottleneck:
    fields = {"evidence": ALL, "subject": SUBJECTS.get(code), "text": "as it was stored"} | changes
    return Bottleneck(code=code, kind=BottleneckKind.ETCD, score=0.5, **fields)


def test_each_bottleneck_has_a_line() -> None:
    lines = [bottleneck_line(bottleneck(code)) for code in BottleneckCode]
    assert lines == (Path(__file__).parent / "bottlenecks.txt").read_text().splitlines()


@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        ("instance workers", SubjectKind.INSTANCE_WORKERS),
        ("RGD workers", SubjectKind.RGD_WORKERS),
        ("GraphRevision workers", SubjectKind.GRAPH_REVISION_WORKERS),
        ("RGD broken", SubjectKind.RGD),
        ("FlowSchema tenants", SubjectKind.FLOW_SCHEMA),
        ("priority level workload-low", SubjectKind.PRIORITY_LEVEL),
        ("webhook slow.example.com", SubjectKind.WEBHOOK),
        ("example.com/v1/stuck", SubjectKind.RESOURCE),
    ],
)
def test_a_subject_of_an_older_record_is_read_and_named_as_before(
    stored: str, kind: SubjectKind
) -> None:
    found = bottleneck(BottleneckCode.ETCD_SLOW, subject=stored)
    assert found.subject is not None
    assert found.subject.kind is kind
    assert cause_name(found).endswith(f": {stored}")


def test_each_piece_of_evidence_has_a_line() -> None:
    lines = [evidence_line(item) for item in ALL]
    assert lines == (Path(__file__).parent / "evidence.txt").read_text().splitlines()


def test_stored_evidence_is_quoted() -> None:
    quoted = Evidence(
        code=EvidenceCode.QUOTED,
        value=0.9,
        unit="ratio",
        supports=False,
        quoted=QuotedEvidence(figure="use of it", expected="above 80 %"),
    )
    assert evidence_line(quoted) == "use of it: 90 % (above 80 %); contradicts it"


def test_each_missing_figure_has_a_line() -> None:
    assert all(missing_line(missing) for missing in Missing)
    assert missing_line("as it was stored") == "as it was stored"
