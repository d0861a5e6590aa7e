"""All reasons for which a figure is missing."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from krobench.figures.reasons.base import QuotedReason, Reason, quoted
from krobench.figures.reasons.load import LoadReason
from krobench.figures.reasons.samples import SamplesReason
from krobench.figures.reasons.sources import QueryReason, ScrapesFailed, SourceReason


class NotGiven(Reason):
    """The number was not measured, and nothing says why."""

    code: Literal["NotGiven"] = "NotGiven"


class NotEvaluated(Reason):
    """CEL could not evaluate an expression."""

    code: Literal["NotEvaluated"] = "NotEvaluated"
    detail: str


AnyReason = Annotated[
    Annotated[
        SamplesReason
        | LoadReason
        | SourceReason
        | ScrapesFailed
        | QueryReason
        | NotGiven
        | NotEvaluated
        | QuotedReason,
        Field(discriminator="code"),
    ],
    BeforeValidator(quoted),
]
