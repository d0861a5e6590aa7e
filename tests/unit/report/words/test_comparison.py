"""The sentences of comparisons and sizings, one a finding, in ``comparison.txt``."""

from pathlib import Path
from typing import get_args

import pytest

from krobench.api.common import ErrorInfo
from krobench.api.specs.results import DifferenceKind
from krobench.findings.comparison import (
    AnyInconclusive,
    FewEarlierRuns,
    LimitsUnknown,
    MoreIterations,
    MoreReplicates,
    NoRatio,
    NotMeasured,
    OnlyIterations,
    Replicates,
    TooClose,
    TooFewBlocks,
    Undecided,
)
from krobench.findings.estimates import Difference, DifferenceSubject, DifferenceValue, NodeShape
from krobench.findings.finding import Quoted
from krobench.findings.incomparable import (
    AnyOmission,
    AnyRefusal,
    AnyUnusable,
    AxesDiffer,
    Invalid,
    InvalidRun,
    IsScaleTest,
    IterationsElsewhere,
    NoCommonTest,
    NoFigures,
    NoSizes,
    NotComparable,
    NotCompleted,
    NothingJudged,
    NotRepeated,
    NoUsableRuns,
    OnBothSides,
    RunsDiffer,
    RunUnusable,
    SameRun,
    TestMissing,
)
from krobench.findings.sizing import (
    AnyBasis,
    AnySizingNote,
    CpuPerInstance,
    MemoryGrowth,
    MemoryHeadroom,
    MemoryVague,
    MemoryWithoutInterval,
    RateExtrapolated,
    RateUsed,
    RevisionsNotIncluded,
    ScaleExtrapolated,
    WorkerPerInstance,
)
from krobench.report.words.comparison import (
    difference_line,
    inconclusive_line,
    omission_line,
    refusal_line,
    unusable_line,
)
from krobench.report.words.sizing import basis_line, note_paragraph

STORED = Quoted(text="as it was stored")
UNUSABLE = RunUnusable(run="ns/a (1234)", why=Invalid(causes=["GeneratorLate"]))
WORKLOAD = Difference(
    kind=DifferenceKind.WORKLOAD,
    test="web",
    subject=DifferenceSubject.SETTING,
    name="timeout",
    old=["5m"],
    new=["10m"],
    allowed=False,
)
MORE = MoreReplicates(more=2, of=Replicates.RUNS, side="each", fewest=4)
INCONCLUSIVE: list[AnyInconclusive] = [
    NotMeasured(sides=["old", "new"]),
    NoRatio(),
    MORE,
    MORE.model_copy(update={"smallest_p": 0.0286, "needed_p": 0.0167, "tests": 3}),
    MoreReplicates(more=1, of=Replicates.RUNS, side="smaller", fewest=3),
    MoreReplicates(more=2, of=Replicates.RESTARTS, side="either", fewest=2),
    Undecided(of=Replicates.RUNS, detectable=0.123),
    Undecided(of=Replicates.RUNS),
    FewEarlierRuns(had=5, needed=20),
    TooFewBlocks(had=3, needed=6),
    TooFewBlocks(had=3, needed=6, by_decide=True),
    OnlyIterations(runs=4),
    TooClose(of=Replicates.RUNS),
    TooClose(of=Replicates.ITERATIONS, most=20),
    MoreIterations(needed=8, had=3),
    LimitsUnknown(side="new", limits=1, above=1, low=1000),
    LimitsUnknown(side="new", limits=4, above=2, below=1),
    LimitsUnknown(side="old", limits=1, bracketed=1, low=10, high=20),
    LimitsUnknown(side="old", limits=1),
    STORED,
]
REFUSALS: list[AnyRefusal] = [
    RunsDiffer(kinds=[DifferenceKind.WORKLOAD], in_spec=True),
    NoUsableRuns(side="old.json"),
    NoCommonTest(),
    SameRun(run="ns/a (1234)"),
    AxesDiffer(old=["instances"], new=["rgds"]),
    InvalidRun(),
    UNUSABLE,
    NotComparable(error=ErrorInfo(reason="NoEarlierRuns", message="there are no earlier runs")),
    STORED,
]
REASONS: list[AnyUnusable] = [
    NotCompleted(state="Failed"),
    NotCompleted(state="Failed", error=ErrorInfo(reason="KroNotFound", message="no kro pod")),
    Invalid(causes=["GeneratorLate", "NodeBusy"]),
    IsScaleTest(),
    IterationsElsewhere(file="run-full.json.gz"),
    NoSizes(),
    STORED,
]
OMISSIONS: list[AnyOmission] = [
    UNUSABLE,
    OnBothSides(run="ns/a (1234)"),
    NothingJudged(run="ns/a (1234)"),
    TestMissing(test="web"),
    TestMissing(test="web", runs=["ns/a (1234)"]),
    NoFigures(),
    NotRepeated(tests=["instances-100"]),
    STORED,
]
BASES: list[AnyBasis] = [
    MemoryGrowth(axis="rgds", sizes=[10, 20], model="linear", rate=2.0**20, low=2.0**19, high=2e6),
    MemoryGrowth(axis="instances", sizes=[10, 20], model="power", rate=1.2),
    CpuPerInstance(seconds=0.03, low=0.02, high=0.04),
    WorkerPerInstance(seconds=0.1, busy=0.7),
]
NOTES: list[AnySizingNote] = [
    ScaleExtrapolated(times=3.456),
    MemoryVague(times=4),
    MemoryWithoutInterval(),
    MemoryHeadroom(ratio=0.5),
    RateUsed(per_second=12, requested=False, busy=0.7),
    RateExtrapolated(times=5),
    RevisionsNotIncluded(most_bytes=2.0**28, kept=5, bytes_each=2.0**21, setting="--keep"),
]


def test_each_finding_has_a_line() -> None:
    lines = [
        *map(inconclusive_line, INCONCLUSIVE),
        *(refusal_line(found, [WORKLOAD], [UNUSABLE]) for found in REFUSALS),
        *map(unusable_line, REASONS),
        *map(omission_line, OMISSIONS),
        *map(basis_line, BASES),
        *map(note_paragraph, NOTES),
    ]
    expected = (Path(__file__).parent / "comparison.txt").read_text().splitlines()
    assert lines == expected


def test_no_finding_is_without_a_line() -> None:
    for union, found in (
        (AnyInconclusive, INCONCLUSIVE),
        (AnyRefusal, REFUSALS),
        (AnyUnusable, REASONS),
        (AnyOmission, OMISSIONS),
        (AnyBasis, BASES),
        (AnySizingNote, NOTES),
    ):
        assert {type(each) for each in found} == set(get_args(get_args(union)[0]))


@pytest.mark.parametrize(
    ("subject", "name", "value", "words"),
    [
        (DifferenceSubject.KRO_FLAG, "leader-elect", "", "kro's --leader-elect is set on"),
        (DifferenceSubject.KRO_FLAG, "v", None, "kro's --v is absent on"),
        (DifferenceSubject.KRO_VERSION, None, None, "kro's version is unknown on"),
        (DifferenceSubject.KRO_LIMIT, "cpu", "2", "kro's cpu limit is 2 on"),
        (DifferenceSubject.NODES, None, (NodeShape(cpu="4", memory="16Gi"),), "4 CPUs, 16 GiB"),
    ],
)
def test_a_difference_names_what_differs(
    subject: DifferenceSubject, name: str | None, value: DifferenceValue, words: str
) -> None:
    found = WORKLOAD.model_copy(update={"subject": subject, "name": name, "old": [value]})
    assert words in difference_line(found)


def test_a_difference_of_an_older_record_is_shown_as_it_was_stored() -> None:
    stored = {"kind": "KroFlags", "what": "kro's --v", "old": ["set"], "new": ["absent"]}
    found = Difference.model_validate(stored | {"allowed": True})
    assert difference_line(found) == "kro's --v is set on the old side and absent on the new side"


def test_a_run_that_an_older_version_found_unusable_is_shown_as_it_was_stored() -> None:
    error = {"reason": "Invalid", "message": "it is invalid: the generator was late"}
    found = RunUnusable.model_validate({"code": "RunUnusable", "run": "a", "error": error})
    assert omission_line(found) == f"run a: {error['message']}"
