"""When an instance is ready, as the author of its RGD says it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from krobench.api.specs.manifests import Readiness
from krobench.workload.blueprint import Manifest, WorkloadError

BUILT_IN = "Ready"
_MEANS_READY = re.compile(r".*(Ready|Available|Healthy|Succeeded)")
_MEANS_NOT = re.compile(r"(Not|Un|Non).*")
_NEW_CONDITION = re.compile(r"\bnewCondition\s*\(")
_TYPE = re.compile(r"""["']type["']\s*:\s*["']([^"']*)["']""")


@dataclass(frozen=True)
class Ready:
    """What shows that an instance is ready."""

    conditions: tuple[str, ...] = (BUILT_IN,)
    """The conditions that must all be true; without any, status.state must be ACTIVE."""

    def __str__(self) -> str:
        """Return it as reports show it."""
        if not self.conditions:
            return "state ACTIVE"
        return " and ".join(f"condition {name}" for name in self.conditions)


def readiness(manifest: Manifest, asked: Readiness | None, path: str) -> Ready:
    """Return what shows that an instance of an RGD is ready.

    By default, it is the condition Ready. If the RGD declares conditions of its own, which replace
    kro's, it is those that mean ready by their names; without any, it is the state ACTIVE.

    Raises:
        WorkloadError: if instances cannot show what is asked for; it names ``path``.
    """
    own = _own_conditions(manifest)
    if asked is not None and asked.state is not None:
        return Ready(())
    wanted = asked.condition if asked is not None else None
    if own is None:
        return Ready((wanted or BUILT_IN,))
    names, complete = own
    if wanted is not None:
        if complete and wanted not in names:
            raise WorkloadError(
                f"{path}.condition: instances of this RGD have no condition {wanted}: its author "
                f"declares {', '.join(names)}; set one of these, or set state to ACTIVE"
            )
        return Ready((wanted,))
    if BUILT_IN in names:
        return Ready()
    return Ready(
        tuple(n for n in names if _MEANS_READY.fullmatch(n) and not _MEANS_NOT.fullmatch(n))
    )


def _own_conditions(manifest: Manifest) -> tuple[Sequence[str], bool] | None:
    """Return the types of the author's conditions, and whether all are known.

    None if the RGD declares none, so that kro's own are there.
    """
    declared: Any = (manifest["spec"]["schema"].get("status") or {}).get("conditions")
    if not declared:
        return None
    text = "\n".join(map(str, declared)) if isinstance(declared, list) else str(declared)
    made = len(_NEW_CONDITION.findall(text))
    parts = _NEW_CONDITION.split(text)[1:]
    names = [found[1] for part in parts if (found := _TYPE.search(part))]
    return list(dict.fromkeys(names)), made > 0 and len(names) == made
