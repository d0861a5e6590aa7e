"""The sizes of a scale test that are built upon each other, and are there at the moment."""

from collections.abc import Sequence

from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.job.turns.run import TestRun
from krobench.workload.ascent import next_upon, way_to
from krobench.workload.scaleplan import put_upon
from krobench.workload.testplan import Maker


class Ascent:
    """Goes up from size to size, and down to nothing where another way up is to be taken."""

    def __init__(self, spec: KroScaleTestSpec) -> None:
        self._spec = spec
        self._built: list[tuple[float, TestRun]] = []
        self._maker = Maker(0, 0)

    @property
    def upon(self) -> float | None:
        """The size that is there; None where nothing is."""
        return self._built[-1][0] if self._built else None

    async def next_to(self, size: float, sizes: Sequence[float]) -> float:
        """Return what is run next on the way to a size, of a test with these ``sizes``.

        What is there and does not lie on that way is taken down.
        """
        upon = next_upon([each for each, _ in self._built], size, sizes)
        if upon is None:
            await self.take_down()
            upon = way_to(size, sizes)[0]
        return upon

    def place(self, test: TestRun, index: int) -> None:
        """Plan the test's next iteration, which has this index, upon what is there."""
        if not self._built:
            self._maker = Maker(test.plan.index, index)
        test.plan = put_upon(self._spec, test.plan, self.upon, self._maker)

    def add(self, size: float, test: TestRun) -> None:
        """Book what an iteration has left in place."""
        self._built.append((size, test))

    async def take_down(self) -> None:
        """Delete the objects of all sizes that are there."""
        if self._built:
            _, last = self._built[-1]
            self._built = []
            await last.take_down()
