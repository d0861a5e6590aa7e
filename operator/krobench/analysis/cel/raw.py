"""What was measured of expressions, as lines from which every figure can be worked out again."""

from collections.abc import Iterator, Mapping

from krobench.analysis.cel.samples import CelSamples, Measured, Restart, Round, Spent
from krobench.record.lines import CelLine, CelWhat

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
            if index < len(item.rounds):
                yield from _of_round(test, index, item, item.rounds[index])
    for item in samples.expressions:
        yield from _of_memory(test, item)
    for index, restart in enumerate(samples.restarts):
        yield from _of_restart(test, index, restart, copies)


def _of_memory(test: str, item: Measured) -> Iterator[CelLine]:
    for index, grown in item.heap_growth.items():
        yield CelLine(
            test=test,
            iteration=index,
            expression=item.name,
            copies=item.copies,
            what="heap growth",
            bytes=grown,
        )


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


def _spent(line: CelLine, spent: Spent) -> CelLine:
    line.microseconds, line.count = spent.seconds * _MICROSECONDS, spent.count
    return line
