"""Findings for kro's maintainers, from profiles: where CPU time and allocations go."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from krobench.analysis.profiling import packagegroups as groups
from krobench.analysis.recommendations.case import Case, Finding, evidence
from krobench.api import units
from krobench.figures.profile import Breakdown, FunctionCost, GroupShare
from krobench.findings.recommendation import Area, Confidence, Recommendation

_LEAST_TICKS = 100
"""Below, a share of 20 % may as well be 13 % or 29 %."""


@dataclass(frozen=True)
class _Pattern:
    """A share of a profile from which on it is worth a look."""

    group: str
    share: float
    title: str
    functions: tuple[str, ...]
    """What names of the group's functions contain."""


_CPU = (
    _Pattern(
        groups.CEL,
        0.20,
        "Spend less CPU time in cel-go: compile once, and share environments",
        ("cel-go", "antlr", "pkg/cel"),
    ),
    _Pattern(
        groups.ENCODING,
        0.15,
        "Encode and decode less JSON: read what is needed from caches",
        ("json", "yaml"),
    ),
    _Pattern(
        groups.GC,
        0.15,
        "Allocate less: the garbage collector takes much of kro's CPU time",
        ("runtime.gc",),
    ),
    _Pattern(
        groups.HTTP,
        0.35,
        "Send fewer requests: read from informers, and apply only what differs",
        ("net/http", "client-go", "crypto"),
    ),
    _Pattern(
        groups.GRAPH,
        0.20,
        "Build graphs once: kro builds that of an RGD in two controllers",
        ("pkg/graph",),
    ),
)
_ALLOCATED = (
    _Pattern(groups.CEL, 0.30, "Allocate less in cel-go", ("cel-go", "antlr", "pkg/cel")),
    _Pattern(
        groups.ENCODING, 0.25, "Allocate less when encoding and decoding JSON", ("json", "yaml")
    ),
)


def code_findings(case: Case) -> Iterator[Finding]:
    """Yield what stands out in a test's profiles."""
    profile = case.test.profile
    if profile is None:
        return
    if profile.cpu is not None and profile.cpu.samples >= _LEAST_TICKS:
        yield from _matches(case, profile.cpu, _CPU)
    if profile.allocated is not None:
        yield from _matches(case, profile.allocated, _ALLOCATED)


def _matches(case: Case, breakdown: Breakdown, patterns: Sequence[_Pattern]) -> Iterator[Finding]:
    for pattern in patterns:
        found = next((each for each in breakdown.groups if each.group == pattern.group), None)
        # By the lower end of its interval: half of what a profile shows may be chance.
        if found is not None and (found.share or 0.0) - (found.margin or 0.0) >= pattern.share:
            yield _finding(case, breakdown, pattern, found)


def _finding(case: Case, breakdown: Breakdown, pattern: _Pattern, found: GroupShare) -> Finding:
    of_cpu = breakdown.unit == "seconds"
    share = found.share or 0.0
    what = "kro's CPU time" if of_cpu else "what kro allocates"
    numbers = [
        evidence(
            f"share of {pattern.group} in {what}", share, "ratio", f"below {pattern.share:.0%}"
        )
    ]
    if found.margin is not None:
        numbers.append(evidence("half of the 95 % interval of this share", found.margin, "ratio"))
    numbers += [
        evidence(f"{cost.function}, with callees", cost.cumulative / breakdown.total, "ratio")
        for cost in _costliest(breakdown, pattern)
    ]
    return Finding(
        Recommendation(
            title=pattern.title,
            area=Area.KRO_CODE,
            expected_effect=(
                f"Half of it would be {units.percent(share / 2)} of {what}"
                f"{_of_an_instance(case, share / 2) if of_cpu else ''}."
            ),
            confidence=Confidence.MEDIUM if of_cpu else Confidence.LOW,
            source=f"a profile of kro in this run, test {case.test.name}; docs/how-to/profiles.md",
            evidence=numbers,
        ),
        weight=0.2 * share,
    )


def _costliest(breakdown: Breakdown, pattern: _Pattern) -> list[FunctionCost]:
    """Return the group's costliest functions. Where those that cost most with all that they call
    are its callers alone, what costs most itself names them."""
    known = {cost.function: cost for cost in (*breakdown.top_cumulative, *breakdown.top_flat)}
    matching = [
        cost for cost in known.values() if any(part in cost.function for part in pattern.functions)
    ]
    matching.sort(key=lambda cost: -cost.cumulative)
    return matching[:2] if breakdown.total else []


def _of_an_instance(case: Case, share: float) -> str:
    each = case.metric("kro_cpu_seconds_per_instance")
    return f", or {units.seconds(each * share)} for each instance" if each else ""
