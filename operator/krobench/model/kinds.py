"""The kinds of custom resources that ask for a run."""

from enum import StrEnum


class RunKind(StrEnum):
    """What a run is asked for with; ``RunRecord.kind`` is the same in a record."""

    BENCHMARK = "KroBenchmark"
    SCALE_TEST = "KroScaleTest"

    @property
    def singular(self) -> str:
        """The name of one in kubectl's commands."""
        return self.value.lower()

    @property
    def plural(self) -> str:
        """The name of the resource in paths and RBAC rules."""
        return f"{self.singular}s"
