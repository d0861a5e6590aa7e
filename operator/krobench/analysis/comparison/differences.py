"""What differs between runs, so that their numbers may differ for other reasons."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from krobench.api.notation import flag_values
from krobench.api.specs.results import DifferenceKind
from krobench.figures.environment import Environment, KroFingerprint, NodeFingerprint
from krobench.findings.estimates import (
    Difference,
    DifferenceSubject,
    DifferenceValue,
    NodeShape,
    RunEstimates,
)
from krobench.findings.incomparable import RunsDiffer

_KIB_PER_GIB = 2**20
# Settings that baselines of older versions lack, and the one that all newer baselines have.
_LATER = ("variant", "target", "collect")
_SINCE_THE_OTHERS = "collect.interval"
_KINDS = {
    DifferenceSubject.KROBENCH: DifferenceKind.KROBENCH,
    DifferenceSubject.KUBERNETES: DifferenceKind.KUBERNETES,
    DifferenceSubject.NODES: DifferenceKind.NODES,
    DifferenceSubject.KRO_VERSION: DifferenceKind.KRO_VERSION,
    DifferenceSubject.KRO_IMAGE: DifferenceKind.KRO_VERSION,
    DifferenceSubject.KRO_REPLICAS: DifferenceKind.KRO_RESOURCES,
    DifferenceSubject.KRO_FLAG: DifferenceKind.KRO_FLAGS,
    DifferenceSubject.KRO_ENV: DifferenceKind.KRO_ENV,
    DifferenceSubject.KRO_REQUEST: DifferenceKind.KRO_RESOURCES,
    DifferenceSubject.KRO_LIMIT: DifferenceKind.KRO_RESOURCES,
    DifferenceSubject.SETTING: DifferenceKind.WORKLOAD,
}


class Of(NamedTuple):
    """Something that must be alike."""

    subject: DifferenceSubject
    name: str | None = None


Facts = Mapping[Of, DifferenceValue]


def differences(
    old: Sequence[RunEstimates],
    new: Sequence[RunEstimates],
    tests: Sequence[str],
    allowed: Collection[DifferenceKind],
) -> list[Difference]:
    """Return everything in which the runs differ, those of one side among themselves too."""
    found = list(
        _between(
            [_facts(run.environment) for run in old],
            [_facts(run.environment) for run in new],
            None,
            allowed,
        )
    )
    for test in tests:
        sides = [
            [each.workload for run in side for each in run.tests if each.name == test]
            for side in (old, new)
        ]
        older = any(_SINCE_THE_OTHERS not in each for each in (*sides[0], *sides[1]))
        workloads = [[_workload(each, older=older) for each in side] for side in sides]
        found += _between(workloads[0], workloads[1], test, allowed)
    return found


def differences_of(
    old: Sequence[tuple[Environment, Mapping[str, str]]],
    new: Sequence[tuple[Environment, Mapping[str, str]]],
    allowed: Collection[DifferenceKind],
) -> list[Difference]:
    """Return the same of runs that are a test each, by their environments and what was done."""
    sides = [
        [
            {**_facts(environment), **_workload(settings, older=False)}
            for environment, settings in side
        ]
        for side in (old, new)
    ]
    return list(_between(sides[0], sides[1], None, allowed))


def refusal(found: Sequence[Difference]) -> RunsDiffer | None:
    """Return why runs that differ so must not be compared; None if they may."""
    kinds = list(dict.fromkeys(each.kind for each in found if not each.allowed))
    return RunsDiffer(kinds=kinds) if kinds else None


def _between(
    old: Sequence[Facts],
    new: Sequence[Facts],
    test: str | None,
    allowed: Collection[DifferenceKind],
) -> Iterator[Difference]:
    for of in dict.fromkeys(of for facts in (*old, *new) for of in facts):
        before, after = ({facts.get(of) for facts in side} for side in (old, new))
        if len(before | after) > 1:
            yield Difference(
                kind=_KINDS[of.subject],
                test=test,
                subject=of.subject,
                name=of.name,
                old=sorted(before, key=repr),
                new=sorted(after, key=repr),
                allowed=_KINDS[of.subject] in allowed,
            )


def _workload(settings: Mapping[str, str], *, older: bool) -> Facts:
    """Return what was done, without settings that an older version among the runs lacks."""
    return {
        Of(DifferenceSubject.SETTING, name): value
        for name, value in settings.items()
        if not (older and name.partition(".")[0] in _LATER)
    }


def _facts(environment: Environment) -> Facts:
    return {
        Of(DifferenceSubject.KROBENCH): environment.krobench,
        Of(DifferenceSubject.KUBERNETES): environment.kubernetes,
        Of(DifferenceSubject.NODES): _shapes(environment.nodes),
        **(_facts_of_kro(environment.kro) if environment.kro is not None else {}),
    }


def _facts_of_kro(kro: KroFingerprint) -> Facts:
    named = (
        (DifferenceSubject.KRO_FLAG, {n: v or "" for n, v in flag_values(kro.args).items()}),
        (DifferenceSubject.KRO_ENV, kro.env),
        (DifferenceSubject.KRO_REQUEST, kro.requests),
        (DifferenceSubject.KRO_LIMIT, kro.limits),
    )
    return {
        Of(DifferenceSubject.KRO_VERSION): kro.version,
        Of(DifferenceSubject.KRO_IMAGE): kro.image,
        Of(DifferenceSubject.KRO_REPLICAS): str(kro.replicas),
        **{Of(subject, name): value for subject, of in named for name, value in of.items()},
    }


def _shapes(nodes: Sequence[NodeFingerprint]) -> tuple[NodeShape, ...] | None:
    shapes = (
        NodeShape(
            cpu=node.cpu, memory=_whole(node.memory), kernel=node.kernel, kubelet=node.kubelet
        )
        for node in nodes
    )
    return tuple(sorted(shapes, key=repr)) or None


def _whole(memory: str | None) -> str | None:
    if memory is None or not memory.removesuffix("Ki").isdigit():
        return memory
    return f"{int(memory.removesuffix('Ki')) / _KIB_PER_GIB:.0f}Gi"
