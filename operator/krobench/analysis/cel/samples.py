"""What was measured of a test's expressions, before anything is worked out from it."""

import statistics
from dataclasses import dataclass, field

from krobench.api.common import ErrorInfo
from krobench.api.specs.workload.cel import CelFamily, CelLevel


@dataclass(frozen=True)
class Spent:
    """Growth of a histogram's sum and count."""

    seconds: float
    count: int

    @property
    def mean(self) -> float:
        """Seconds each; count must not be zero."""
        return self.seconds / self.count


@dataclass
class Round:
    """What was measured of an expression in one iteration."""

    windows: list[Spent] = field(default_factory=list)
    """Evaluations, undisturbed by those of other RGDs."""
    reconciles: int = 0
    """Reconciles in these windows."""
    build: Spent | None = None
    """Builds of the graph after one change of the RGD, in the RGD controller."""
    revision: Spent | None = None
    """The same in the GraphRevision controller."""


@dataclass
class Measured:
    """An expression with all its iterations."""

    name: str
    text: str
    expected: str
    level: CelLevel
    copies: int
    family: CelFamily | None = None
    cross_check: str = ""
    actual: str | None = None
    error: ErrorInfo | None = None
    rounds: list[Round] = field(default_factory=list)
    heap_growth: dict[int, float] = field(default_factory=dict)
    """Bytes by which the heap grew with one more revision of the RGD, garbage collected before and
    after, by round."""

    def evaluations(self) -> dict[int, float]:
        """Seconds of one evaluation by iteration: the median of its windows, as one in which
        the machine did something else is no measure of the expression."""
        return {
            index: statistics.median(window.mean for window in item.windows)
            for index, item in enumerate(self.rounds)
            if item.windows
        }

    def builds(self) -> dict[int, float]:
        """Seconds of one build of the graph by iteration."""
        return {i: r.build.mean for i, r in enumerate(self.rounds) if r.build is not None}

    def revisions(self) -> dict[int, float]:
        """Seconds of one compilation of the revision by iteration."""
        return {i: r.revision.mean for i, r in enumerate(self.rounds) if r.revision is not None}


@dataclass
class Restart:
    """What was measured of one restart of kro."""

    leading_seconds: float
    """From the deletion of kro's pod until another one led."""
    compiled_seconds: float | None = None
    """From then until kro had compiled all revisions; None where their number is not known."""
    reconciled_seconds: float | None = None
    """From then until kro had looked at every instance of the test."""
    revisions: dict[str, int] = field(default_factory=dict)
    """Revisions that kro had to compile, by expression."""
    foreign_revisions: int = 0
    """Those of RGDs that are not the test's."""
    compiled: Spent | None = None
    """Compilations in the GraphRevision controller, of all revisions."""
    builds: int = 0
    """Graphs that the RGD controller has built as well."""
    first: dict[str, Spent] = field(default_factory=dict)
    """By expression, the evaluations of the first reconcile that evaluates it."""
    later: dict[str, list[Spent]] = field(default_factory=dict)
    """The same of each of some reconciles that followed."""


@dataclass
class CelSamples:
    """Everything that was measured of a test's expressions."""

    expressions: list[Measured]
    fresh: list[Spent | None] = field(default_factory=list)
    """By iteration, evaluations just after the RGDs were compiled anew; of all RGDs together.
    None where kro evaluated those of others as well."""
    fresh_reconciles: list[dict[str, int]] = field(default_factory=list)
    """By iteration, the reconciles that these came from, by expression."""
    disturbed: int = 0
    heap_unavailable: str | None = None
    restarts_wanted: int = 0
    restarts: list[Restart] = field(default_factory=list)
    revisions_unavailable: str | None = None
    """Why it is not known how many revisions kro has to compile when it is restarted."""
