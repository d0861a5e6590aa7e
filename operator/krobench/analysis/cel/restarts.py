"""What a restart costs kro: all that it has compiled is compiled again, and evaluated anew.

The compilations of kro's new process are counted without a name, so they are known of all RGDs of
a test together. First evaluations are known one by one, as the instances are resumed in turns.
"""

import statistics
from collections.abc import Mapping

from krobench.analysis.cel.estimates import mean, positive, ratio
from krobench.analysis.cel.samples import CelSamples, Measured, Restart
from krobench.figures.cel import CelRestartResults, Estimate

_NEVER = "kro was not restarted: the test had ended before"
_NOT_ALL = "kro had not compiled all revisions while it was looked at"


def restart_results(
    samples: CelSamples, by_name: Mapping[str, Measured], empty: Measured
) -> CelRestartResults | None:
    """Return what restarts cost; None where none was measured. ``empty`` is the RGD with next to
    no expressions, whose compilation is taken off that of all others."""
    restarts = samples.restarts
    if not restarts:
        return None
    reason = _why_not_compiled(samples)
    result = CelRestartResults(
        restarts=len(restarts),
        leading_seconds=positive(r.leading_seconds for r in restarts),
        compiled_seconds=positive(r.compiled_seconds for r in restarts),
        reconciled_seconds=positive(r.reconciled_seconds for r in restarts),
    )
    if reason is None:
        result.rgds = len(restarts[0].revisions)
        result.revisions_per_rgd = mean(_revisions(r) / len(r.revisions) for r in restarts)
        result.graph_builds = mean(float(r.builds) for r in restarts)
        result.compile_seconds_per_rgd = positive(
            r.compiled.seconds / len(r.revisions) for r in restarts if r.compiled
        )
        result.compile_seconds_per_expression = mean(_per_copy(r, by_name, empty) for r in restarts)
    result.unavailable = {
        name: reason or _NOT_ALL
        for name, value in (
            ("compileSecondsPerRgd", result.compile_seconds_per_rgd),
            ("compileSecondsPerExpression", result.compile_seconds_per_expression),
            ("compiledSeconds", result.compiled_seconds),
        )
        if value is None
    }
    return result


def why_no_restart(samples: CelSamples) -> dict[str, str]:
    """Return why restarts that were asked for have no results."""
    return {"restart": _NEVER} if samples.restarts_wanted and not samples.restarts else {}


def first_seconds(name: str, samples: CelSamples) -> Estimate | None:
    """Return the time of one evaluation in the first reconcile after a restart."""
    return positive(r.first[name].mean for r in samples.restarts if name in r.first)


def first_ratio(name: str, samples: CelSamples) -> Estimate | None:
    """Return the ratio of these to later ones of the same process, by restart."""
    return ratio(_pair(r, name) for r in samples.restarts)


def first_ratio_of_all(samples: CelSamples) -> Estimate | None:
    """Return the same ratio over all expressions, by restart: those of one share a process."""
    return positive(map(_mean_ratio, samples.restarts))


def _mean_ratio(restart: Restart) -> float | None:
    found = ratio(_pair(restart, name) for name in restart.first)
    return found.value if found is not None else None


def compile_ratio(samples: CelSamples, by_name: Mapping[str, Measured]) -> Estimate | None:
    """Return the ratio of compiling a revision after a restart to compiling it after a change."""
    if _why_not_compiled(samples) is not None:
        return None
    pairs = []
    for restart in samples.restarts:
        changed = {name: by_name[name].revisions().values() for name in restart.revisions}
        if restart.compiled is not None and all(changed.values()):
            expected = sum(
                count * statistics.fmean(changed[name]) for name, count in restart.revisions.items()
            )
            pairs.append((restart.compiled.mean, expected / _revisions(restart)))
    return ratio(pairs)


def _why_not_compiled(samples: CelSamples) -> str | None:
    if samples.revisions_unavailable is not None:
        return samples.revisions_unavailable
    foreign = max((r.foreign_revisions for r in samples.restarts), default=0)
    if foreign:
        return f"kro compiled {foreign} revisions of RGDs that are not the test's as well"
    if not all(restart.revisions for restart in samples.restarts):
        return "kro kept no revisions of the test's RGDs"
    return None


def _revisions(restart: Restart) -> int:
    return sum(restart.revisions.values())


def _per_copy(restart: Restart, by_name: Mapping[str, Measured], empty: Measured) -> float | None:
    """Return what one copy of an expression adds, on average of all expressions."""
    empties = empty.revisions().values()
    copies = sum(
        count * max(0, by_name[name].copies - empty.copies)
        for name, count in restart.revisions.items()
    )
    if restart.compiled is None or not empties or not copies:
        return None
    bare = statistics.fmean(empties) * _revisions(restart)
    return (restart.compiled.seconds - bare) / copies


def _pair(restart: Restart, name: str) -> tuple[float, float] | None:
    later = restart.later.get(name)
    if name not in restart.first or not later:
        return None
    return restart.first[name].mean, statistics.median(each.mean for each in later)
