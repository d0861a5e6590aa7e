"""What kro's maintainers can change, from profiles: where CPU time and allocations go."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from krobench.analysis.profiling import packagegroups as groups
from krobench.analysis.recommendations.case import Case, Weighted
from krobench.figures.catalogue import KRO_CPU_SECONDS
from krobench.figures.profile import Breakdown, FunctionCost, GroupShare
from krobench.findings.evidence import EvidenceCode, evidence
from krobench.findings.recommendation import Area, CheaperCode, Confidence

_LEAST_TICKS = 100
"""With fewer, a measured share of 20 % may really be 13 % or 29 %."""


@dataclass(frozen=True)
class _Pattern:
    """A share of a profile from which on it is worth a look."""

    group: str
    share: float
    functions: tuple[str, ...]
    """What names of the group's functions contain."""


_CPU = (
    _Pattern(groups.CEL, 0.20, ("cel-go", "antlr", "pkg/cel")),
    _Pattern(groups.ENCODING, 0.15, ("json", "yaml")),
    _Pattern(groups.GC, 0.15, ("runtime.gc",)),
    _Pattern(groups.HTTP, 0.35, ("net/http", "client-go", "crypto")),
    _Pattern(groups.GRAPH, 0.20, ("pkg/graph",)),
)
_ALLOCATED = (
    _Pattern(groups.CEL, 0.30, ("cel-go", "antlr", "pkg/cel")),
    _Pattern(groups.ENCODING, 0.25, ("json", "yaml")),
)


def code_advice(case: Case) -> Iterator[tuple[object, Weighted]]:
    """Yield what stands out in a test's profiles, with a key that is the same in all tests."""
    profile = case.test.profile
    if profile is None:
        return
    if profile.cpu is not None and profile.cpu.samples >= _LEAST_TICKS:
        yield from _matches(case, profile.cpu, _CPU)
    if profile.allocated is not None:
        yield from _matches(case, profile.allocated, _ALLOCATED)


def _matches(
    case: Case, breakdown: Breakdown, patterns: Sequence[_Pattern]
) -> Iterator[tuple[object, Weighted]]:
    for pattern in patterns:
        found = next((each for each in breakdown.groups if each.group == pattern.group), None)
        # By the lower end of its interval: half of what a profile shows may be chance.
        if found is not None and (found.share or 0.0) - (found.margin or 0.0) >= pattern.share:
            yield (breakdown.unit, pattern.group), _advice(case, breakdown, pattern, found)


def _advice(case: Case, breakdown: Breakdown, pattern: _Pattern, found: GroupShare) -> Weighted:
    of_cpu = breakdown.unit == "seconds"
    share = found.share or 0.0
    code = EvidenceCode.CPU_PROFILE_SHARE if of_cpu else EvidenceCode.ALLOCATION_SHARE
    return case.advise(
        advice=CheaperCode(
            of="CPU" if of_cpu else "Allocations",
            group=pattern.group,
            share=share,
            instance_cpu_seconds=(
                case.figures[KRO_CPU_SECONDS.per_instance] or None if of_cpu else None
            ),
        ),
        area=Area.KRO_CODE,
        confidence=Confidence.MEDIUM if of_cpu else Confidence.LOW,
        evidence=[
            *evidence(code, share, pattern.share, subject=pattern.group),
            *evidence(EvidenceCode.PROFILE_MARGIN, found.margin),
            *(
                item
                for cost in _costliest(breakdown, pattern)
                for item in evidence(
                    EvidenceCode.FUNCTION_SHARE,
                    cost.cumulative / breakdown.total,
                    subject=cost.function,
                )
            ),
        ],
        weight=0.2 * share,
    )


def _costliest(breakdown: Breakdown, pattern: _Pattern) -> list[FunctionCost]:
    """Return the group's two costliest functions.

    If only its callers are among the costliest with callees, those that cost most themselves name
    the group's functions.
    """
    known = {cost.function: cost for cost in (*breakdown.top_cumulative, *breakdown.top_flat)}
    matching = [
        cost for cost in known.values() if any(part in cost.function for part in pattern.functions)
    ]
    matching.sort(key=lambda cost: -cost.cumulative)
    return matching[:2] if breakdown.total else []
