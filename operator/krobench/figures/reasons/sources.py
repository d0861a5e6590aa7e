"""Why a source could not be read."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from krobench.figures.reasons.base import QuotedReason, Reason, quoted


class Exposition(StrEnum):
    """What was read."""

    KRO = "Kro"
    API_SERVER = "APIServer"
    KUBELET = "Kubelet"
    """The kubelet's cAdvisor."""
    ETCD = "Etcd"


class NotReadable(Reason):
    """Metrics could not be read."""

    code: Literal["NotReadable"] = "NotReadable"
    exposition: Exposition
    at: str | None = None
    """The kubelet's node, or etcd's URL."""
    forbidden: bool = False
    """Whether the load Job lacks a right."""
    untrusted: bool = False
    """Whether no known authority signed its certificate."""
    detail: str


class InvalidFormat(Reason):
    """Metrics are not in Prometheus' text format."""

    code: Literal["InvalidFormat"] = "InvalidFormat"
    exposition: Exposition
    at: str | None = None
    """The kubelet's node, or etcd's URL."""
    detail: str


class NoAnswerInTime(Reason):
    """The source did not answer within its timeout."""

    code: Literal["NoAnswerInTime"] = "NoAnswerInTime"
    seconds: float


class ContainerNotNamed(Reason):
    """The kubelet of kro's node does not name kro's container."""

    code: Literal["ContainerNotNamed"] = "ContainerNotNamed"
    node: str
    namespace: str
    pod: str
    container: str


class NoPprof(Reason):
    """kro has no pprof, which would make it collect garbage."""

    code: Literal["NoPprof"] = "NoPprof"
    port: int
    detail: str


class NoHeapSize(Reason):
    """kro's heap profile does not have the size of the allocated heap."""

    code: Literal["NoHeapSize"] = "NoHeapSize"


class NoKroPod(Reason):
    """The provider of the cluster runs kro elsewhere."""

    code: Literal["NoKroPod"] = "NoKroPod"


SourceReason = (
    NotReadable
    | InvalidFormat
    | NoAnswerInTime
    | ContainerNotNamed
    | NoPprof
    | NoHeapSize
    | NoKroPod
)
_Read = Annotated[
    Annotated[SourceReason | QuotedReason, Field(discriminator="code")], BeforeValidator(quoted)
]


class ScrapesFailed(Reason):
    """Scrapes of a source failed."""

    code: Literal["ScrapesFailed"] = "ScrapesFailed"
    count: int
    first_seconds: float
    """Since the start of the run."""
    last_seconds: float
    last: _Read
    """What the last one failed with."""


class AnswerTooLarge(Reason):
    """The answer to a query of Prometheus has more series or points than are read."""

    code: Literal["AnswerTooLarge"] = "AnswerTooLarge"
    most_bytes: int


class AnswerNotUnderstood(Reason):
    """The answer to a query is not one that Prometheus gives."""

    code: Literal["AnswerNotUnderstood"] = "AnswerNotUnderstood"


class NothingReturned(Reason):
    """A query returned no series for the time of the run phase."""

    code: Literal["NothingReturned"] = "NothingReturned"


class SeveralSeries(Reason):
    """A query returned more than one series."""

    code: Literal["SeveralSeries"] = "SeveralSeries"
    series: int


class NotARange(Reason):
    """The values that a query returned are not those of a range."""

    code: Literal["NotARange"] = "NotARange"


class NothingFinite(Reason):
    """A query returned no finite number for the time of the run phase."""

    code: Literal["NothingFinite"] = "NothingFinite"


class QueryFailed(Reason):
    """A query to an existing Prometheus failed, by its answer, or because a setting is wrong."""

    code: Literal["QueryFailed"] = "QueryFailed"
    detail: str


QueryReason = (
    NoAnswerInTime
    | AnswerTooLarge
    | AnswerNotUnderstood
    | NothingReturned
    | SeveralSeries
    | NotARange
    | NothingFinite
    | QueryFailed
)
