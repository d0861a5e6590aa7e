"""A run as Markdown, to read in a terminal or paste into a pull request."""

from collections.abc import Callable, Sequence

from krobench.api import units
from krobench.figures.catalogue import KRO_CPU_SECONDS, KRO_REQUESTS, KRO_RESIDENT, THROUGHPUT
from krobench.figures.measures import LatencySummary
from krobench.findings.scaling import SizeVerdict
from krobench.record.iteration import IterationRecord
from krobench.record.run import RunRecord, RunState
from krobench.record.test import TestRecord, TestState, TestSummary
from krobench.report import comparison
from krobench.report.bottlenecks import bottlenecks_section
from krobench.report.cel import cel_section
from krobench.report.differences import differences_section, slopes_section
from krobench.report.measured import measured
from krobench.report.profiles import profiles
from krobench.report.recommendations import recommendations_section
from krobench.report.scale import scale_section
from krobench.report.tables import Column, Quantity, column, columns, section, table
from krobench.report.tests import arrivals, headline_line, load_table, phases_table, remark
from krobench.report.usage import usage_section
from krobench.report.validity import validity_section

_PHASES = (
    ("instance ready", "instance_ready"),
    ("first child seen", "instance_first_child"),
    ("last child seen", "instance_last_child"),
    ("instance ACTIVE", "instance_active"),
    ("RGD picked up by kro", "rgd_picked_up"),
    ("RGD accepted", "rgd_accepted"),
    ("RGD's graph compiled", "rgd_compiled"),
    ("RGD's CRD established", "rgd_established"),
    ("RGD ready", "rgd_ready"),
    ("instance updated", "instance_updated"),
    ("RGD updated", "rgd_updated"),
    ("RGD update on an instance's children", "instance_fanned_out"),
    ("instance deleted", "instance_gone"),
)


_SIZE_RESULTS = {
    SizeVerdict.MET: "SLOs met",
    SizeVerdict.BREACHED: "SLOs missed",
    SizeVerdict.INVALID: "invalid",
    SizeVerdict.FAILED: "not measured",
}
"""The result of a size of a scale test: one that missed the SLOs was still measured."""


def render(run: RunRecord) -> str:
    """Return the report of a run, finished or not."""
    sections = [
        _title(run),
        validity_section(run),
        _warnings(run),
        scale_section(run),
        _overview(run),
        bottlenecks_section(run.tests),
        comparison.markdown(run.comparison) if run.comparison is not None else "",
        *(comparison.markdown_of_variants(each) for each in run.variant_comparisons),
        recommendations_section(run),
        *(_test(test) for test in run.tests),
        profiles(run),
        differences_section(run.differences),
        slopes_section(run.slopes),
        _left_behind(run),
        _environment(run),
        _reading(),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _title(run: RunRecord) -> str:
    lines = [f"# {run.namespace}/{run.name}: {run.verdict or 'running'}", ""]
    lines.append(
        f"{_counts(run)}. Started {run.start_time}, "
        + (f"ended {run.end_time}." if run.end_time else "not ended.")
    )
    if run.state is RunState.RUNNING:
        lines.append(f"\nRunning: {run.progress.activity or 'starting'}.")
    if run.error is not None:
        lines.append(f"\n**{run.error.reason}**: {run.error.message}")
    return "\n".join(lines)


def _warnings(run: RunRecord) -> str:
    if not run.warnings:
        return ""
    return "## Warnings\n\n" + "\n".join(f"- {warning}" for warning in run.warnings)


def _overview(run: RunRecord) -> str:
    verdicts = {size.test: size.verdict for size in run.scale.sizes} if run.scale else {}
    results = []
    for test in run.tests:
        verdict = verdicts.get(test.name)
        if test.summary is None:
            results.append(str(test.state))
        else:
            results.append(_result(test) if verdict is None else _SIZE_RESULTS[verdict])
    measured_in: list[tuple[str, Quantity, Callable[[TestSummary], float | None]]] = [
        (
            "instances",
            "number",
            lambda s: s.latency.instance_ready.n if s.latency.instance_ready else None,
        ),
        ("ready p50", "seconds", lambda s: _ready(s).p50_seconds),
        ("ready p99", "seconds", lambda s: _ready(s).p99_seconds),
        ("instances/s", "per_second", lambda s: s.figures[THROUGHPUT]),
        ("kro CPU per instance", "seconds", lambda s: s.figures[KRO_CPU_SECONDS.per_instance]),
        ("kro memory, max", "bytes", lambda s: s.figures[KRO_RESIDENT.max]),
        (
            "kro API requests per instance",
            "number",
            lambda s: s.figures[KRO_REQUESTS.per_instance],
        ),
    ]
    return section(
        "Overview",
        columns(
            Column("test", [test.name for test in run.tests]),
            Column("result", results),
            *(
                column(
                    heading,
                    [value(test.summary) if test.summary else None for test in run.tests],
                    quantity,
                )
                for heading, quantity, value in measured_in
            ),
        ),
    )


def _ready(summary: TestSummary) -> LatencySummary:
    return summary.latency.instance_ready or LatencySummary(n=0)


def _counts(run: RunRecord) -> str:
    """Return how many tests, or sizes of a scale test, had which end."""
    if run.scale is not None:
        found = [step.verdict for step in run.scale.sizes]
        met, missed = found.count(SizeVerdict.MET), found.count(SizeVerdict.BREACHED)
        return f"{units.counted(len(found), 'size')}, {met} met the SLOs, {missed} missed them"
    states = [test.state for test in run.tests]
    succeeded, failed = states.count(TestState.SUCCEEDED), states.count(TestState.FAILED)
    return f"{units.counted(len(states), 'test')}, {succeeded} succeeded, {failed} failed"


def _result(test: TestRecord) -> str:
    if not test.validity.valid:
        return "invalid"
    outcomes = {threshold.passed for threshold in test.thresholds}
    if test.state is TestState.SUCCEEDED and outcomes & {False, None}:
        return "threshold missed" if False in outcomes else "threshold undecided"
    return test.state


def _test(test: TestRecord) -> str:
    lines = [f"## {test.name}", "", _test_line(test)]
    if test.error is not None:
        lines += ["", f"**{test.error.reason}**: {test.error.message}"]
    if test.headline is not None:
        lines += ["", headline_line(test)]
    if test.load.arrival.open_loop and test.iterations:
        lines += ["", load_table(test.iterations)]
    if test.thresholds:
        lines += ["", _thresholds(test)]
    if test.summary is not None and test.summary.phases:
        lines += ["", phases_table(test.summary.phases)]
    if test.summary is not None:
        lines += ["", _latency_table(test), "", usage_section(test)]
    if test.iterations:
        lines += ["", _iterations(test.iterations)]
    if test.cel is not None:
        lines += ["", cel_section(test.cel)]
    return "\n".join(lines)


def _test_line(test: TestRecord) -> str:
    warm = f" after {test.planned_warmup} warm-up" if test.planned_warmup else ""
    iterations = units.counted(test.planned_iterations, "iteration")
    if test.cel is not None:
        expressions = units.counted(len(test.cel.expressions), "expression")
        return (
            f"{test.workload}: {expressions}, each in its own RGD, "
            f"{iterations}{warm}. {test.state}."
        )
    rgds = f" of {test.rgds} RGDs" if test.rgds > 1 else ""
    steps = f"; phases: {', '.join(test.phases)}" if test.phases else ""
    return (
        f"{test.workload}: {units.counted(test.instances, 'instance')}{rgds}, "
        f"{arrivals(test)}{steps}, {iterations}{warm}. {test.state}."
    )


def _thresholds(test: TestRecord) -> str:
    words = {True: "met", False: "**missed**", None: "**undecided**"}
    rows = [
        (
            f"`{result.expression}`",
            words[result.passed],
            measured(result),
        )
        for result in test.thresholds
    ]
    return table(("threshold", "result", "measured"), rows)


def _latency_table(test: TestRecord) -> str:
    assert test.summary is not None
    latency = test.summary.latency
    found = [(label, each) for label, name in _PHASES if (each := getattr(latency, name))]
    rows = []
    for label, each in found:
        count = f"{each.n}" + (f" (+{each.censored} never)" if each.censored else "")
        values = (each.p50_seconds, each.p90_seconds, each.p99_seconds, each.max_seconds)
        rows.append((label, count, *map(units.seconds, values)))
    return table(("latency", "n", "p50", "p90", "p99", "max"), rows)


def _iterations(iterations: Sequence[IterationRecord]) -> str:
    ready = [item.latency.instance_ready for item in iterations]
    return columns(
        Column("iteration", [f"{item.index + 1}{remark(item)}" for item in iterations]),
        Column(
            "result",
            [
                "ok" if item.success else (item.error.reason if item.error else "failed")
                for item in iterations
            ],
        ),
        Column("ready", [f"{i.counts.ready}/{i.counts.requested}" for i in iterations]),
        column("ready p50", [each.p50_seconds if each else None for each in ready], "seconds"),
        column("instances/s", [item.figures[THROUGHPUT] for item in iterations], "per_second"),
        column("kro CPU", [item.figures[KRO_CPU_SECONDS] for item in iterations], "seconds"),
        column("kro API requests", [item.figures[KRO_REQUESTS] for item in iterations], "number"),
        column(
            "cleanup",
            [i.teardown.duration_seconds if i.teardown else None for i in iterations],
            "seconds",
        ),
    )


def _left_behind(run: RunRecord) -> str:
    if run.orphans is None:
        return ""
    if run.orphans.count is None:
        detail = f"not counted: {run.orphans.unavailable}"
    elif run.orphans.count == 0:
        detail = "nothing"
    else:
        detail = f"{units.counted(run.orphans.count, 'object')}, among them " + ", ".join(
            run.orphans.objects
        )
    return f"## Objects left after cleanup\n\n{detail}"


def _environment(run: RunRecord) -> str:
    environment = run.environment
    rows = [("krobench", environment.krobench), ("Kubernetes", environment.kubernetes or "-")]
    if environment.kro is not None:
        kro = environment.kro
        limits = ", ".join(f"{name} {value}" for name, value in sorted(kro.limits.items()))
        rows += [
            ("kro", f"{kro.version or '-'} ({kro.image})"),
            ("kro limits", limits or "none"),
            ("kro arguments", f"`{' '.join(kro.args)}`" if kro.args else "-"),
        ]
    rows += [
        ("node", f"{n.name}: {n.cpu} CPUs, {n.memory}, kernel {n.kernel}, kubelet {n.kubelet}")
        for n in environment.nodes
    ]
    return "## Environment\n\n" + table(("what", "value"), rows)


def _reading() -> str:
    return (
        "Latencies last from sending the request until a watch shows the new state, on one "
        "monotonic clock. In an open loop they start when the request was due. p99 needs at "
        "least 100 observations. In a closed loop (a fixed number in progress), throughput is "
        "what kro achieved, not what was requested. Warm-up iterations are not summarised."
    )
