"""What differs between runs, so that their numbers may differ for other reasons."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from krobench.api.notation import flag_values
from krobench.api.specs.results import DifferenceKind
from krobench.figures.environment import Environment, KroFingerprint, NodeFingerprint
from krobench.findings.comparison import Difference, RunEstimates, RunsDiffer

_KIB_PER_GIB = 2**20
# Settings that baselines of older versions lack, and the one that all newer baselines have.
_LATER = ("variant", "target", "collect")
_SINCE_THE_OTHERS = "collect.interval"
Fact = tuple[DifferenceKind, str, str]
"""Kind, name and value of something that must be alike."""


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
            [*_facts(environment), *_workload(settings, older=False)]
            for environment, settings in side
        ]
        for side in (old, new)
    ]
    return list(_between(sides[0], sides[1], None, allowed))


def refusal(found: Sequence[Difference], *, in_spec: bool = True) -> RunsDiffer | None:
    """Return why runs that differ so must not be compared; None if they may.

    ``in_spec``: whether spec.baseline can allow it too.
    """
    kinds = list(dict.fromkeys(each.kind for each in found if not each.allowed))
    return RunsDiffer(kinds=kinds, in_spec=in_spec) if kinds else None


def _between(
    old: Sequence[Sequence[Fact]],
    new: Sequence[Sequence[Fact]],
    test: str | None,
    allowed: Collection[DifferenceKind],
) -> Iterator[Difference]:
    known = {(kind, what): None for facts in (*old, *new) for kind, what, _ in facts}
    for kind, what in known:
        before, after = _values(old, kind, what), _values(new, kind, what)
        if len({*before, *after}) > 1:
            yield Difference(
                kind=kind,
                test=test,
                what=what,
                old=sorted(set(before)),
                new=sorted(set(after)),
                allowed=kind in allowed,
            )


def _values(side: Sequence[Sequence[Fact]], kind: DifferenceKind, what: str) -> list[str]:
    """Return the value that each run of a side has."""
    return [
        next((value for k, name, value in facts if (k, name) == (kind, what)), "absent")
        for facts in side
    ]


def _workload(settings: Mapping[str, str], *, older: bool) -> list[Fact]:
    """Return what was done, without settings that an older version among the runs lacks."""
    return [
        (DifferenceKind.WORKLOAD, name, value)
        for name, value in settings.items()
        if not (older and name.partition(".")[0] in _LATER)
    ]


def _facts(environment: Environment) -> list[Fact]:
    facts = [
        (DifferenceKind.KROBENCH, "krobench", environment.krobench),
        (DifferenceKind.KUBERNETES, "Kubernetes", environment.kubernetes or "unknown"),
        (DifferenceKind.NODES, "nodes", _nodes(environment.nodes)),
    ]
    return facts + (_kro(environment.kro) if environment.kro is not None else [])


def _kro(kro: KroFingerprint) -> list[Fact]:
    facts = [
        (DifferenceKind.KRO_VERSION, "kro's version", kro.version or "unknown"),
        (DifferenceKind.KRO_VERSION, "kro's image", kro.image or "unknown"),
        (DifferenceKind.KRO_RESOURCES, "kro's replicas", str(kro.replicas)),
    ]
    facts += [
        (DifferenceKind.KRO_FLAGS, f"kro's --{name}", value or "set")
        for name, value in flag_values(kro.args).items()
    ]
    facts += [(DifferenceKind.KRO_ENV, f"kro's {name}", value) for name, value in kro.env.items()]
    for kind, resources in (("request", kro.requests), ("limit", kro.limits)):
        facts += [
            (DifferenceKind.KRO_RESOURCES, f"kro's {name} {kind}", value)
            for name, value in resources.items()
        ]
    return facts


def _nodes(nodes: Sequence[NodeFingerprint]) -> str:
    """Return what the nodes are made of; their names may differ, and memory by a little."""
    if not nodes:
        return "unknown"
    return ", ".join(
        sorted(
            f"{node.cpu} CPUs, {_gibibytes(node.memory)}, kernel {node.kernel}, "
            f"kubelet {node.kubelet}"
            for node in nodes
        )
    )


def _gibibytes(memory: str | None) -> str:
    if memory is None or not memory.removesuffix("Ki").isdigit():
        return memory or "memory unknown"
    return f"{int(memory.removesuffix('Ki')) / _KIB_PER_GIB:.0f} GiB"
