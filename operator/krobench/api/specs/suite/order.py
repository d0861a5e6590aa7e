"""In which order the iterations of a suite's tests are run."""

from enum import StrEnum


class Order(StrEnum):
    """Whose turn it is; ``krobench.program.order`` says how each is laid out."""

    SEQUENTIAL = "Sequential"
    INTERLEAVED = "Interleaved"
