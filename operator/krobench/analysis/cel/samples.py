"""What was measured of a test's expressions, before anything is computed from it, and the same as
lines from which every figure can be computed again.
"""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from krobench.api.common import ErrorInfo
from krobench.api.specs.cel import CelFamily, CelLevel
from krobench.figures.rawdata import CelLine, CelWhat
from krobench.figures.reasons.load import RevisionsUnknown
from krobench.figures.reasons.sources import SourceReason


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
class CelIteration:
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
    iterations: list[CelIteration] = field(default_factory=list)
    heap_growth: dict[int, float] = field(default_factory=dict)
    """Bytes by which the heap grew with one more revision of the RGD, garbage collected before and
    after, by iteration."""

    def evaluations(self) -> dict[int, float]:
        """Seconds of one evaluation by iteration: the median of its windows, because one
        in which the machine did something else does not measure the expression."""
        return {
            index: statistics.median(window.mean for window in item.windows)
            for index, item in enumerate(self.iterations)
            if item.windows
        }

    def builds(self) -> dict[int, float]:
        """Seconds of one build of the graph by iteration."""
        return {i: r.build.mean for i, r in enumerate(self.iterations) if r.build is not None}

    def revisions(self) -> dict[int, float]:
        """Seconds of one compilation of the revision by iteration."""
        return {i: r.revision.mean for i, r in enumerate(self.iterations) if r.revision is not None}


@dataclass
class Restart:
    """What was measured of one restart of kro."""

    leading_seconds: float
    """From the deletion of kro's pod until another one led."""
    compiled_seconds: float | None = None
    """From then until kro had compiled all revisions; None if their number is not known."""
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
    """By iteration, evaluations just after the RGDs were recompiled; of all RGDs together.
    None if kro evaluated those of others as well."""
    fresh_reconciles: list[dict[str, int]] = field(default_factory=list)
    """By iteration, the reconciles that these came from, by expression."""
    disturbed: int = 0
    heap_unavailable: SourceReason | None = None
    restarts_wanted: int = 0
    restarts: list[Restart] = field(default_factory=list)
    revisions_unavailable: RevisionsUnknown | None = None
    """Why it is not known how many revisions kro has to compile when it is restarted."""


_MICROSECONDS = 1e6


def lines_of(test: str, samples: CelSamples) -> Iterator[CelLine]:
    """Yield the lines of a test's expressions, by iteration and then by expression."""
    copies = {item.name: item.copies for item in samples.expressions}
    for index, fresh in enumerate(samples.fresh):
        if fresh is not None:
            yield _spent(CelLine(test=test, iteration=index, what="fresh evaluations"), fresh)
        for name, count in samples.fresh_reconciles[index].items():
            yield CelLine(
                test=test,
                iteration=index,
                expression=name,
                what="fresh reconciles",
                count=count,
            )
        for item in samples.expressions:
            if index < len(item.iterations):
                yield from _of_iteration(test, index, item, item.iterations[index])
    for item in samples.expressions:
        for index, grown in item.heap_growth.items():
            yield CelLine(
                test=test,
                iteration=index,
                expression=item.name,
                copies=item.copies,
                what="heap growth",
                bytes=grown,
            )
    for index, restart in enumerate(samples.restarts):
        yield from _of_restart(test, index, restart, copies)


def _of_restart(
    test: str, index: int, restart: Restart, copies: Mapping[str, int]
) -> Iterator[CelLine]:
    def line(what: CelWhat, name: str | None = None) -> CelLine:
        known = copies[name] if name is not None else None
        return CelLine(test=test, iteration=index, expression=name, copies=known, what=what)

    if restart.compiled is not None:
        yield _spent(line("restart compilations"), restart.compiled)
    for name, count in restart.revisions.items():
        kept = line("restart revisions", name)
        kept.count = count
        yield kept
    for name, first in restart.first.items():
        yield _spent(line("first evaluations", name), first)
        for later in restart.later.get(name, ()):
            yield _spent(line("later evaluations", name), later)


def _of_iteration(test: str, index: int, item: Measured, taken: CelIteration) -> Iterator[CelLine]:
    def line(what: CelWhat) -> CelLine:
        return CelLine(
            test=test, iteration=index, expression=item.name, copies=item.copies, what=what
        )

    for window in taken.windows:
        yield _spent(line("evaluations"), window)
    reconciles = line("reconciles")
    reconciles.count = taken.reconciles
    yield reconciles
    if taken.build is not None:
        yield _spent(line("graph builds"), taken.build)
    if taken.revision is not None:
        yield _spent(line("revision compilations"), taken.revision)


def _spent(line: CelLine, spent: Spent) -> CelLine:
    line.microseconds, line.count = spent.seconds * _MICROSECONDS, spent.count
    return line
