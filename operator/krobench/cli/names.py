"""How runs are named at a terminal: ``[KIND/][NAMESPACE/]NAME``.

A KroBenchmark and a KroScaleTest may share a name, so the kind may be given as kubectl takes it,
such as ``kroscaletest/NAME``. A namespace that is called like a kind must be given apart.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from krobench.api.common import API_GROUP
from krobench.api.kinds import RunKind, RunRef
from krobench.cli.errors import ResultsError

_KINDS = {
    f"{word}{group}": kind
    for kind in RunKind
    for word in (kind.singular, kind.plural)
    for group in ("", f".{API_GROUP}")
}


@dataclass(frozen=True)
class RunName:
    """What somebody calls a run."""

    kind: RunKind | None
    """None where it was not said."""
    namespace: str
    name: str

    @classmethod
    def of(cls, run: RunRef) -> Self:
        """Return the name of one run."""
        return cls(run.kind, run.namespace, run.name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def kinds(self) -> list[RunKind]:
        """What it may be."""
        return list(RunKind) if self.kind is None else [self.kind]

    def refuse_several(self, found: Collection[RunKind]) -> None:
        """Refuse a name that is of one kind as well as of another.

        Raises:
            ResultsError: if more than one was found, with what to say instead.
        """
        if len(found) > 1:
            names = " or ".join(f"{kind.singular}/{self}" for kind in found)
            raise ResultsError(f"{self} is a {' and a '.join(found)}: say which one, {names}")


def parse_name(text: str, namespace: str) -> RunName:
    """Return what a word of the command line names; in ``namespace`` where it says none.

    Raises:
        ResultsError: if it names nothing.
    """
    first, *rest = parts = text.split("/")
    kind = _KINDS.get(first.lower()) if rest else None
    *place, name = rest if kind is not None else parts
    if len(place) > 1 or not name or "" in place:
        raise ResultsError(
            f"{text!r} is no [KIND/][NAMESPACE/]NAME, with a KIND of "
            f"{' or '.join(each.singular for each in RunKind)}"
        )
    return RunName(kind, place[0] if place else namespace, name)
