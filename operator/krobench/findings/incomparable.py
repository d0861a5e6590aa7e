"""Why runs, or parts of them, are not compared."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from krobench.api.common import ErrorInfo
from krobench.api.specs.results import DifferenceKind
from krobench.findings.finding import Finding, Quoted, quoted


class NotCompleted(Finding):
    """The run did not complete."""

    code: Literal["NotCompleted"] = "NotCompleted"
    state: str
    error: ErrorInfo | None = None
    """What ended it."""


class Invalid(Finding):
    """The run is invalid."""

    code: Literal["Invalid"] = "Invalid"
    causes: list[str]


class IsScaleTest(Finding):
    """The run is of a scale test, which only compares with other scale tests."""

    code: Literal["ScaleTest"] = "ScaleTest"


class IterationsElsewhere(Finding):
    """The run.json was too large for its iterations, which are in another file."""

    code: Literal["TooLarge"] = "TooLarge"
    file: str


class NoSizes(Finding):
    """The scale test measured no size."""

    code: Literal["NoSizes"] = "NoSizes"


AnyUnusable = Annotated[
    Annotated[
        NotCompleted | Invalid | IsScaleTest | IterationsElsewhere | NoSizes | Quoted,
        Field(discriminator="code"),
    ],
    BeforeValidator(quoted),
]
"""Why a run must not be compared."""


class RunsDiffer(Finding):
    """The runs differ in more than is allowed; the comparison's differences say in what."""

    code: Literal["RunsDiffer"] = "RunsDiffer"
    kinds: list[DifferenceKind]
    in_spec: bool = True
    """Whether spec.baseline can allow it too."""


class NoUsableRuns(Finding):
    """A side has no run that can be compared."""

    code: Literal["NoUsableRuns"] = "NoUsableRuns"
    side: str
    """What the side is called."""


class NoCommonTest(Finding):
    """No test has a result on both sides."""

    code: Literal["NoCommonTest"] = "NoCommonTest"


class SameRun(Finding):
    """Both sides are the same run."""

    code: Literal["SameRun"] = "SameRun"
    run: str


class AxesDiffer(Finding):
    """The scale tests grow along different axes."""

    code: Literal["AxesDiffer"] = "AxesDiffer"
    old: list[str]
    new: list[str]


class InvalidRun(Finding):
    """The run whose variants would be compared is invalid."""

    code: Literal["InvalidRun"] = "InvalidRun"


class NotComparable(Finding):
    """Something went wrong before a comparison could be made."""

    code: Literal["NotComparable"] = "NotComparable"
    error: ErrorInfo


class RunUnusable(Finding):
    """A run cannot be compared."""

    code: Literal["RunUnusable"] = "RunUnusable"
    run: str
    why: AnyUnusable

    @model_validator(mode="before")
    @classmethod
    def _with_current_names(cls, stored: Any) -> Any:
        """Read ``error``, in which older versions stored a sentence."""
        if isinstance(stored, dict) and "error" in stored:
            return {"why" if name == "error" else name: stored[name] for name in stored}
        return stored


class OnBothSides(Finding):
    """A run is on both sides, so it counts only on the new one."""

    code: Literal["OnBothSides"] = "OnBothSides"
    run: str


class NothingJudged(Finding):
    """No size of a run shows whether kro met the SLOs."""

    code: Literal["NothingJudged"] = "NothingJudged"
    run: str


class TestMissing(Finding):
    """A test has no result in some runs, or under some variant."""

    __test__ = False  # pytest would collect a class of this name

    code: Literal["TestMissing"] = "TestMissing"
    test: str
    runs: list[str] = Field(default_factory=list)
    """Some of the runs without it; empty for a variant."""


class NoFigures(Finding):
    """A run.json without its iterations has no figures of its sizes."""

    code: Literal["NoFigures"] = "NoFigures"


class NotRepeated(Finding):
    """Sizes that are not repeated on both sides have no figures to compare."""

    code: Literal["NotRepeated"] = "NotRepeated"
    tests: list[str]


AnyRefusal = Annotated[
    RunsDiffer
    | NoUsableRuns
    | NoCommonTest
    | SameRun
    | AxesDiffer
    | InvalidRun
    | RunUnusable
    | NotComparable
    | Quoted,
    Field(discriminator="code"),
]
"""Why runs are not compared."""


AnyOmission = Annotated[
    RunUnusable | OnBothSides | NothingJudged | TestMissing | NoFigures | NotRepeated | Quoted,
    Field(discriminator="code"),
]
"""What was not compared, and why."""
