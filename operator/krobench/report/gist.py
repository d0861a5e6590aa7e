"""A run in a few sentences: what it says, what held kro back, what to change."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from krobench.analysis.resourcequantities import number_of
from krobench.api import units
from krobench.api.status import Verdict
from krobench.findings.bottleneck import Bottleneck
from krobench.findings.scaling import SizeVerdict
from krobench.record.run import RunRecord, RunState
from krobench.record.test import TestRecord, TestState
from krobench.report import scalecomparison
from krobench.report.comparison import summary
from krobench.report.recommendations import nothing_to_change
from krobench.report.tests import INVALID, MISSED, UNDECIDED, result
from krobench.report.words.bottlenecks import bottleneck_line, cause_name
from krobench.report.words.evidence import measured
from krobench.report.words.recommendations import effect, title
from krobench.report.words.scaling import limit_line, next_line
from krobench.report.words.sizes import plain
from krobench.report.words.validity import validity_line

_SOURCE = " | "
_OTHER_ENDS = {
    MISSED: "missed a threshold",
    UNDECIDED: "with an undecided threshold",
    INVALID: "invalid",
}


def verdict_of(run: RunRecord) -> str:
    """Return the verdict in a word; of a run that has not ended, that it is running."""
    return run.verdict or "Running"


def counts_line(run: RunRecord) -> str:
    """Return how many tests or sizes ended how."""
    if run.scale is not None:
        found = [size.verdict for size in run.scale.sizes]
        met, missed = found.count(SizeVerdict.MET), found.count(SizeVerdict.BREACHED)
        counted = units.counted(len(found), "size")
        if sizes := sorted({size.size for size in run.scale.sizes}):
            ends = " to ".join(plain(end) for end in dict.fromkeys((sizes[0], sizes[-1])))
            counted += f" ({ends} {run.scale.axis.unit})"
        return f"{counted}, {met} met the SLOs, {missed} missed them"
    outcomes = Counter(result(test) for test in run.tests)
    succeeded, failed = outcomes.pop(TestState.SUCCEEDED, 0), outcomes.pop(TestState.FAILED, 0)
    parts = [f"{succeeded} succeeded", f"{failed} failed"]
    parts += [
        f"{count} {words}" for of, words in _OTHER_ENDS.items() if (count := outcomes.pop(of, 0))
    ]
    if others := outcomes.total():
        parts.append(f"{others} {'to go' if run.state is RunState.RUNNING else 'not run'}")
    return f"{units.counted(len(run.tests), 'test')}, {', '.join(parts)}"


def duration_text(run: RunRecord) -> str:
    """Return how long a run took; empty if it has not ended."""
    if run.end_time is None:
        return ""
    began, ended = map(datetime.fromisoformat, (run.start_time, run.end_time))
    return units.seconds((ended - began).total_seconds())


def time_spent(run: RunRecord) -> str:
    """Return where the time of a run went, in a sentence; empty if that is not known."""
    spent = run.time_spent
    if spent is None:
        return ""
    total = spent.total_seconds
    others = (
        ("set-up", spent.set_up_seconds),
        ("warm-up", spent.warmup_seconds),
        ("cleanup", spent.cleanup_seconds),
    )
    shares = [f"{name} took {_share(seconds / total)}" for name, seconds in others if seconds]
    return "; ".join([f"Measured load: {_share(spent.measured_share)} of the time", *shares])


def _share(ratio: float) -> str:
    return units.percent(float(f"{ratio:.2g}"))


def measured_on(run: RunRecord) -> str:
    """Return what was measured on what."""
    environment = run.environment
    kro = environment.kro.version if environment.kro is not None else None
    kubernetes = environment.kubernetes
    parts = [f"kro {kro}" if kro else "", f"Kubernetes {kubernetes}" if kubernetes else ""]
    nodes = environment.nodes
    if nodes:
        first = nodes[0]
        size = f"{first.cpu} CPUs, {units.size(number_of(first.memory))}"
        parts.append(f"{units.counted(len(nodes), 'node')} ({size})")
    unknown = "The cluster is not known" + (" yet" if run.end_time is None else "")
    return ", ".join(part for part in parts if part) or unknown


def why(run: RunRecord) -> Iterator[str]:
    """Yield why a run did not pass: its error, what makes it invalid, missed thresholds, errors."""
    if run.error is not None:
        yield f"{run.error.reason}: {_without_source(run.error.message)}"
    if run.validity is not None and not run.validity.valid:
        yield f"Not valid: {validity_line(run.validity)}. Do not compare these numbers."
    if run.verdict is Verdict.PASSED:
        return
    for test in run.tests:
        if test.error is not None and test.error != run.error:
            yield f"{test.name}: {test.error.reason}: {_without_source(test.error.message)}"
        for threshold in test.thresholds:
            if not threshold.passed:
                how = "missed" if threshold.passed is False else "undecided"
                yield f"{test.name}: {how} {threshold.expression} ({measured(threshold)})"


def _without_source(message: str) -> str:
    """Return a message of CEL in one line, without the source that it points into."""
    return " ".join(line for line in message.splitlines() if not line.startswith(_SOURCE))


def limit_found(run: RunRecord) -> str:
    """Return the limit of a scale test in a sentence; empty for other runs."""
    scale = run.scale
    if scale is None or scale.limit is None:
        return ""
    text = limit_line(scale.limit, scale.axis, scale.stopped)
    return f"{_sentence(text)}."


def main_bottleneck(run: RunRecord) -> tuple[TestRecord, Bottleneck] | None:
    """Return the cause with the highest score, and the test in which it was found."""
    found = [
        (test, bottleneck)
        for test in run.tests
        if test.attribution is not None
        for bottleneck in test.attribution.bottlenecks
    ]
    return max(found, key=lambda each: each[1].score, default=None)


def held_back(run: RunRecord) -> str:
    """Return what held kro back most, in a sentence; empty if no test got that far."""
    main = main_bottleneck(run)
    if main is not None:
        test, bottleneck = main
        return (
            f"{_sentence(cause_name(bottleneck))}: {bottleneck_line(bottleneck)} "
            f"({test.name}, score {bottleneck.score:.2f})."
        )
    is_valid = run.validity is None or run.validity.valid
    if is_valid and any(test.attribution is not None for test in run.tests):
        return "Nothing stands out."
    return ""


def _sentence(text: str) -> str:
    """Return a text as it begins a sentence, without marks for code; kro keeps its name."""
    plain = text.replace("`", "")
    return plain if plain.startswith("kro") else f"{plain[:1].upper()}{plain[1:]}"


def to_change(run: RunRecord) -> str:
    """Return the first recommendation in a sentence; empty if the run has not got that far."""
    if run.recommendations:
        first = run.recommendations[0]
        more = len(run.recommendations) - 1
        others = f" ({units.counted(more, 'more recommendation')} in the report)" if more else ""
        brings = effect(first.advice).partition(". ")[0].rstrip(".")
        return f"{title(first.advice)}. {brings}.{others}"
    if nothing_to_change(run):
        return "Nothing: the measurements give no reason to."
    return ""


def to_try(run: RunRecord) -> str:
    """Return what would show more of a limit, in a sentence; empty if nothing would."""
    found = run.scale.next_to_try if run.scale is not None else None
    if found is None or run.scale is None:
        return ""
    return f"{_sentence(next_line(found, run.scale.axis))}."


def compared(run: RunRecord) -> list[str]:
    """Return the outcome of each comparison of the run, with its baseline and between variants."""
    lines = [summary(run.comparison)] if run.comparison is not None else []
    if run.scale_comparison is not None:
        lines.append(scalecomparison.summary(run.scale_comparison))
    return [*lines, *(f"{each.new}: {summary(each)}" for each in run.variant_comparisons)]
