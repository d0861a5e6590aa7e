"""What was measured of expressions, in the form in which it is stored."""

from enum import StrEnum

from pydantic import Field

from krobench.api.common import ApiModel, ErrorInfo
from krobench.api.specs.cel import CelFamily, CelLevel
from krobench.figures.reasons.cel import AnyCelReason

# The names of what all other expressions are compared with.
CONSTANTS = "constants"
ONE_CONSTANT = "one-constant"
FIELD_ACCESS = "field-access"


class Estimate(ApiModel):
    """A number with its 95 % interval over the iterations of one run."""

    value: float
    low: float | None = None
    """None if there were fewer than three iterations."""
    high: float | None = None
    n: int
    """Iterations that it rests on, or restarts of kro."""


class CelState(StrEnum):
    """Whether an expression was measured."""

    MEASURED = "Measured"
    FAILED = "Failed"


class CelExpressionResult(ApiModel):
    """What an expression costs kro; a number that is None has its reason in ``unavailable``."""

    name: str
    family: CelFamily | None = None
    """None for a user's own expression."""
    level: CelLevel
    expression: str
    """As kro got it: converted to a string if it yields none."""
    state: CelState
    error: ErrorInfo | None = None
    """Why it failed: in kro's own words if kro refused it, else with both values."""
    expected: str
    actual: str | None = None
    """What stood in the object that kro made."""
    cross_check: str
    """Whether celpy gives the expected value: agrees, differs, or kro only."""
    copies: int
    """How often its RGD carries it."""
    evaluations: int = 0
    """Evaluations that the times rest on."""
    evaluations_per_reconcile: float | None = None
    evaluation_seconds: Estimate | None = None
    """Time of one evaluation, kro's own handling of it included."""
    over_constant_seconds: Estimate | None = None
    """The same less that of a constant, which is all handling."""
    relative_to_field_access: Estimate | None = None
    """Ratio of ``evaluation_seconds`` to that of reading one field."""
    graph_build_seconds: Estimate | None = None
    """Time of one build of its RGD's graph, with all copies."""
    compile_seconds: Estimate | None = None
    """Time that one copy adds to one build of the graph; kro builds each graph twice."""
    compiled_bytes: Estimate | None = None
    """Heap that one compiled copy holds, for each revision of its RGD that kro keeps."""
    first_after_restart_seconds: Estimate | None = None
    """Time of one evaluation in the first reconcile of a kro after a restart."""
    first_after_restart_ratio: Estimate | None = None
    """Ratio of this to evaluations in later reconciles of the same process."""
    unavailable: dict[str, AnyCelReason] = Field(default_factory=dict)


class CelPattern(ApiModel):
    """A comparison between two ways of writing the same, or of what kro keeps."""

    name: str
    ratio: Estimate


class CelRestartResults(ApiModel):
    """What a restart costs kro; means over the restarts."""

    restarts: int
    """Restarts that were measured."""
    rgds: int | None = None
    """RGDs whose revisions kro compiled again."""
    revisions_per_rgd: Estimate | None = None
    """Revisions of an RGD that kro keeps, and compiles again."""
    graph_builds: Estimate | None = None
    """Graphs that the RGD controller built as well, of all RGDs together."""
    compile_seconds_per_rgd: Estimate | None = None
    """Time of compiling all revisions of one RGD, on average of the test's."""
    compile_seconds_per_expression: Estimate | None = None
    """What one copy of an expression adds to compiling one revision, on average of all."""
    leading_seconds: Estimate | None = None
    """From the deletion of kro's pod until another one led."""
    compiled_seconds: Estimate | None = None
    """From then until all revisions were compiled."""
    reconciled_seconds: Estimate | None = None
    """From then until kro had looked at every instance of the test again."""
    unavailable: dict[str, AnyCelReason] = Field(default_factory=dict)


class CelResults(ApiModel):
    """All expressions of a test."""

    iterations: int
    """Measured iterations that were done."""
    expressions: list[CelExpressionResult]
    constant_seconds: Estimate | None = None
    """Time of one evaluation of a constant: what kro and cel-go need around any expression."""
    empty_graph_build_seconds: Estimate | None = None
    """Time of one build of the graph of an RGD with one constant."""
    builds_per_change: float | None = None
    """How often kro builds a graph for one change of an RGD, both controllers together."""
    revision_compile_ratio: Estimate | None = None
    """Time of the second build, in the GraphRevision controller, over that of the first."""
    patterns: list[CelPattern] = Field(default_factory=list)
    restart: CelRestartResults | None = None
    """None if kro was not restarted."""
    disturbed_windows: int = 0
    """Windows that were not used because kro reconciled something else in them."""
    unavailable: dict[str, AnyCelReason] = Field(default_factory=dict)
