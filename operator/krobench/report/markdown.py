"""A run as Markdown, to read in a terminal or paste into a pull request."""

from krobench.api import units
from krobench.figures.catalogue import KRO_CPU_SECONDS, KRO_REQUESTS, KRO_RESIDENT
from krobench.figures.summaries import Figures
from krobench.findings.scaling import SizeVerdict
from krobench.record.run import RunRecord, RunState
from krobench.report import comparison, scalecomparison
from krobench.report.bottlenecks import bottlenecks_section
from krobench.report.differences import differences_section, slopes_section
from krobench.report.gist import counts_line, time_spent
from krobench.report.profiles import profiles
from krobench.report.recommendations import recommendations_section
from krobench.report.scale import scale_section
from krobench.report.scheduled import as_read, created_by
from krobench.report.tables import Column, bullets, column, columns, section, table
from krobench.report.tests import result, summary_columns, test_section
from krobench.report.words.rawlines import sampled_line
from krobench.report.words.reasons import reason_line
from krobench.report.words.validity import cause_line

_SIZE_RESULTS = {
    SizeVerdict.MET: "SLOs met",
    SizeVerdict.BREACHED: "SLOs missed",
    SizeVerdict.INVALID: "invalid",
    SizeVerdict.FAILED: "not measured",
}
"""The result of a size of a scale test: one that missed the SLOs was still measured."""


READING = (
    "Latencies last from sending the request until a watch shows the new state, on one "
    "monotonic clock. In an open loop they start when the request was due. p99 needs at "
    "least 100 observations. In a closed loop (a fixed number in progress), throughput is "
    "what kro achieved, not what was requested. Warm-up iterations are not summarised. The median "
    "time until ready of a headline is the mean of the iterations' medians, of which there is an "
    "interval; a p50 is of the instances of all iterations together."
)
_SHOWN_CAUSES = 3


def render(run: RunRecord) -> str:
    """Return the report of a run, finished or not."""
    sections = [
        _title(run),
        validity_section(run),
        section("Warnings", bullets([*run.warnings, *map(sampled_line, run.sampled)])),
        scale_section(run),
        overview(run),
        bottlenecks_section(run.tests),
        comparison.markdown(run.comparison) if run.comparison is not None else "",
        scalecomparison.markdown(run.scale_comparison) if run.scale_comparison is not None else "",
        *(comparison.markdown_of_variants(each) for each in run.variant_comparisons),
        recommendations_section(run),
        *(test_section(test) for test in run.tests),
        profiles(run),
        differences_section(run.differences),
        slopes_section(run.slopes),
        left_behind(run),
        environment(run),
        READING,
    ]
    return as_read(run, "\n\n".join(each for each in sections if each) + "\n")


def validity_section(run: RunRecord) -> str:
    """Return the section; empty if the run is valid."""
    if run.validity is None or run.validity.valid:
        return ""
    lines = []
    for reason, causes in run.validity.by_reason().items():
        if len(causes) == 1:
            lines.append(f"- **{reason}**: {cause_line(causes[0])}")
            continue
        lines.append(f"- **{reason}**:")
        lines += [f"  - {cause_line(cause)}" for cause in causes[:_SHOWN_CAUSES]]
        if len(causes) > _SHOWN_CAUSES:
            more = len(causes) - _SHOWN_CAUSES
            lines.append(f"  - and {more} more, in `validity` of run.json")
    return (
        "## This run is invalid\n\nIt has neither passed nor failed. Do not compare its numbers: "
        "they may not reflect kro under this load.\n\n" + "\n".join(lines)
    )


def _title(run: RunRecord) -> str:
    ended = f"ended {run.end_time}." if run.end_time else "not ended."
    lines = [f"# {run.namespace}/{run.name}: {run.verdict or 'running'}", ""]
    lines.append(f"{counts_line(run)}. Started {run.start_time}, {ended}")
    if spent := time_spent(run):
        lines[-1] += f" {spent}."
    if made := created_by(run):
        lines[-1] += f" {made}"
    if run.state is RunState.RUNNING:
        lines.append(f"\nRunning: {run.progress.activity or 'starting'}.")
    if run.error is not None:
        lines.append(f"\n**{run.error.reason}**: {run.error.message}")
    return "\n".join(lines)


def overview(run: RunRecord) -> str:
    """Return the table of all tests, or sizes."""
    verdicts = {size.test: size.verdict for size in run.scale.sizes} if run.scale else {}
    results = []
    for test in run.tests:
        verdict = verdicts.get(test.name)
        if test.summary is None:
            results.append(str(test.state))
        else:
            results.append(result(test) if verdict is None else _SIZE_RESULTS[verdict])
    summaries = [test.summary for test in run.tests]
    figures = [each.figures if each is not None else Figures() for each in summaries]
    ready = [each.latency.instance_ready if each is not None else None for each in summaries]
    cpu = [each[KRO_CPU_SECONDS.per_instance] for each in figures]
    requests = [each[KRO_REQUESTS.per_instance] for each in figures]
    return section(
        "Overview",
        columns(
            Column("test", [test.name for test in run.tests]),
            Column("result", results),
            column("instances", [each.n if each else None for each in ready], "number"),
            *summary_columns(summaries),
            column("kro CPU per instance", cpu, "seconds"),
            column("kro memory, max", [each[KRO_RESIDENT.max] for each in figures], "bytes"),
            column("kro API requests per instance", requests, "number"),
        ),
    )


def left_behind(run: RunRecord) -> str:
    """Return what the cleanup left; empty if that was not looked at."""
    if run.orphans is None:
        return ""
    reason = run.orphans.unavailable
    if run.orphans.count is None:
        detail = "not counted" + (f": {reason_line(reason)}" if reason is not None else "")
    elif run.orphans.count == 0:
        detail = "nothing"
    else:
        detail = f"{units.counted(run.orphans.count, 'object')}, among them " + ", ".join(
            run.orphans.objects
        )
    return f"## Objects left after cleanup\n\n{detail}"


def environment(run: RunRecord) -> str:
    """Return what was measured on what."""
    found = run.environment
    rows = [("krobench", found.krobench), ("Kubernetes", found.kubernetes or "-")]
    if found.kro is not None:
        kro = found.kro
        limits = ", ".join(f"{name} {value}" for name, value in sorted(kro.limits.items()))
        rows += [
            ("kro", f"{kro.version or '-'} ({kro.image})"),
            ("kro limits", limits or "none"),
            ("kro arguments", f"`{' '.join(kro.args)}`" if kro.args else "-"),
        ]
    rows += [
        ("node", f"{n.name}: {n.cpu} CPUs, {n.memory}, kernel {n.kernel}, kubelet {n.kubelet}")
        for n in found.nodes
    ]
    return "## Environment\n\n" + table(("what", "value"), rows)
