"""Names of runs as users give them: ``[KIND/][NAMESPACE/]NAME``.

A KroBenchmark and a KroScaleTest may have the same name; the KIND, as in ``kroscaletest/NAME``,
then says which one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from krobench.api.common import API_GROUP
from krobench.api.kinds import KINDS, Kind, RunKind, RunRef, ScheduleKind
from krobench.cli.errors import CliError

_KINDS: Mapping[str, Kind] = {
    f"{word}{group}": kind
    for kind in KINDS
    for word in (kind.singular, kind.plural)
    for group in ("", f".{API_GROUP}")
} | {"schedule": ScheduleKind.SCHEDULE}


@dataclass(frozen=True)
class RunName:
    """The name of a run as a user gives it."""

    kind: Kind | None
    """None if the name has no KIND. A schedule stands for all of its runs."""
    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str, namespace: str) -> Self:
        """Parse ``[KIND/][NAMESPACE/]NAME``; ``namespace`` is the default.

        A namespace that has the name of a kind needs the KIND before it.

        Raises:
            CliError: if the text is not such a name.
        """
        first, *rest = parts = text.split("/")
        kind = _KINDS.get(first.lower()) if rest else None
        *place, name = rest if kind is not None else parts
        if len(place) > 1 or not name or "" in place:
            kinds = " or ".join(each.singular for each in RunKind)
            raise CliError(
                f"invalid run name {text!r}: expected [KIND/][NAMESPACE/]NAME with KIND {kinds}"
            )
        return cls(kind, place[0] if place else namespace, name)

    @classmethod
    def of(cls, run: RunRef) -> Self:
        return cls(run.kind, run.namespace, run.name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def kinds(self) -> list[RunKind]:
        """The kinds that the run may have.

        Raises:
            CliError: if it is a schedule.
        """
        if isinstance(self.kind, ScheduleKind):
            raise CliError(
                f"{self} is a schedule: name one of its runs, or use krobench history "
                f"schedule/{self}"
            )
        return list(RunKind) if self.kind is None else [self.kind]

    def refuse_several(self, found: Collection[Kind]) -> None:
        """Check that runs of only one kind have this name.

        Raises:
            CliError: if there are several.
        """
        if len(found) > 1:
            names = " or ".join(f"{kind.singular}/{self}" for kind in found)
            raise CliError(f"{self} is both a {' and a '.join(found)}: use {names}")
