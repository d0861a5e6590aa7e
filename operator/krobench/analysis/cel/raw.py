"""What was measured of expressions, as lines from which every figure can be worked out again."""

from collections.abc import Iterator

from krobench.analysis.cel.costs import CelSamples, Measured, Round, Spent
from krobench.model.rawlines import CelLine, CelWhat

_MICROSECONDS = 1e6


def lines_of(test: str, samples: CelSamples) -> Iterator[CelLine]:
    """Yield the lines of a test's expressions, by iteration and then by expression."""
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
            if index < len(item.rounds):
                yield from _of_round(test, index, item, item.rounds[index])


def _of_round(test: str, index: int, item: Measured, taken: Round) -> Iterator[CelLine]:
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
    if taken.heap_bytes is not None:
        heap = line("heap growth")
        heap.bytes = taken.heap_bytes
        yield heap


def _spent(line: CelLine, spent: Spent) -> CelLine:
    line.microseconds, line.count = spent.seconds * _MICROSECONDS, spent.count
    return line
