"""Why a number of an expression is missing."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from krobench.figures.reasons.base import QuotedReason, Reason, quoted
from krobench.figures.reasons.load import RevisionsUnknown
from krobench.figures.reasons.sources import SourceReason


class ExpressionFailed(Reason):
    """The expression could not be measured; its result has the error."""

    code: Literal["ExpressionFailed"] = "ExpressionFailed"
    reason: str


class NoUndisturbedWindow(Reason):
    """kro reconciled something else in each window of the expression."""

    code: Literal["NoUndisturbedWindow"] = "NoUndisturbedWindow"


class NoBuildTimes(Reason):
    """kro gave no build times of the expression's RGD."""

    code: Literal["NoBuildTimes"] = "NoBuildTimes"


class HeapNotRead(Reason):
    """kro's heap was not read."""

    code: Literal["HeapNotRead"] = "HeapNotRead"


class NeverRestarted(Reason):
    """The test ended before kro was restarted."""

    code: Literal["NeverRestarted"] = "NeverRestarted"


class NotAllCompiled(Reason):
    """kro had not compiled all revisions while it was observed."""

    code: Literal["NotAllCompiled"] = "NotAllCompiled"


class ForeignRevisions(Reason):
    """kro compiled revisions of RGDs that are not the test's as well."""

    code: Literal["ForeignRevisions"] = "ForeignRevisions"
    revisions: int


class NoRevisionsKept(Reason):
    """kro kept no revisions of the test's RGDs."""

    code: Literal["NoRevisionsKept"] = "NoRevisionsKept"


AnyCelReason = Annotated[
    Annotated[
        ExpressionFailed
        | NoUndisturbedWindow
        | NoBuildTimes
        | HeapNotRead
        | NeverRestarted
        | NotAllCompiled
        | ForeignRevisions
        | NoRevisionsKept
        | RevisionsUnknown
        | SourceReason
        | QuotedReason,
        Field(discriminator="code"),
    ],
    BeforeValidator(quoted),
]
