"""How often comparisons are wrong on this cluster, from many short real runs.

Runs of one kind are measured until there are as many as asked for, each on a kro that was
restarted for it; those that are in the store from an earlier time count, so you can interrupt and
continue it. Then:

- **false alarms**: some of these runs are compared with the next ones (A/A), in the order of time;
- **power**: the same, with a slow-down planted in the later ones, in all metrics that it moves;
- **planted**: variants of kro that differ in a setting, compared within a run each.

The table goes to stdout, and between its marks in ``docs/explanation/method.md``.

    python -m bench.calibrate --runs 8 --planted 1        # to try it
    make calibrate                                        # the whole
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.documents import DOCS, write_between_marks
from bench.environment import ROOT, kubectl, testbed
from bench.errorrates import false_alarms, only_primary, power, slowdown
from krobench.analysis.comparison.blocks import FEWEST_BLOCKS
from krobench.analysis.comparison.estimates import condense
from krobench.api.common import rfc3339, utc_now
from krobench.cli.names import RunName
from krobench.cli.run import run_file
from krobench.cli.sources import fetch_run
from krobench.figures.environment import Environment
from krobench.findings.comparison import Comparison, MetricVerdict
from krobench.findings.estimates import RunEstimates
from krobench.record.run import RunRecord
from krobench.report.tables import table

_P50 = "latency.instanceReady.p50"
_RATE = "throughput.instancesPerSecond"
_GONE = "latency.instanceGone.p50"
_CPU = "perInstance.kro.cpu.seconds"
_FACTORS = (1.1, 1.3)
_TIMEOUT_SECONDS = 1800.0


@dataclass(frozen=True)
class Effect:
    """A setting of kro with a known consequence."""

    name: str
    variant: dict[str, Any]
    metric: str
    expected: MetricVerdict
    plain: dict[str, Any] = field(default_factory=dict)
    """What the other variant has."""
    spec: dict[str, Any] = field(default_factory=dict)
    """What the run has instead of its tests."""


_DELETION = {
    "name": "web-app",
    "workload": {"scenario": "web-app", "instances": 10},
    "phases": [{"operation": "create"}, {"operation": "delete"}],
}


def _requeue(interval: str) -> dict[str, Any]:
    return {"args": [f"--instance-requeue-interval={interval}"]}


EFFECTS = (
    Effect(
        "two instance workers for one",
        {"args": ["--dynamic-controller-concurrent-reconciles=2"]},
        _RATE,
        MetricVerdict.BETTER,
    ),
    Effect(
        "a CPU limit of 100m",
        {"resources": {"limits": {"cpu": "100m"}, "requests": {"cpu": "100m"}}},
        _RATE,
        MetricVerdict.WORSE,
    ),
    # Only deletions wait for it, which are no primary metric by default.
    Effect(
        "a requeue interval of 1.3 s for one of 1 s",
        _requeue("1300ms"),
        _GONE,
        MetricVerdict.WORSE,
        plain=_requeue("1s"),
        spec={
            "tests": [_DELETION],
            "baseline": {"previousRuns": 1, "primary": [_GONE]},
            "results": {"retention": {"runs": 1}},
        },
    ),
)


def main() -> None:
    """Measure what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=60, help="A/A runs in all")
    parser.add_argument("--side", type=int, default=5, help="runs on each side of a comparison")
    parser.add_argument("--planted", type=int, default=5, help="runs for each planted effect")
    parser.add_argument("--iterations", type=int, default=8, help="blocks of each")
    parser.add_argument(
        "--effects", type=int, nargs="*", default=range(len(EFFECTS)), help="which: 0, 1, 2"
    )
    parser.add_argument("--store", type=Path, default=ROOT / ".calibration")
    parser.add_argument("--write", action="store_true", help="write docs/explanation/method.md")
    options = parser.parse_args()
    if options.runs + options.planted == 0 or (options.write and not options.runs):
        parser.error("there is nothing to measure, or no A/A runs for the table in the document")
    if options.iterations < FEWEST_BLOCKS:
        parser.error(f"--iterations must be {FEWEST_BLOCKS} at least: fewer allow no verdict")
    os.environ["KUBECONFIG"] = testbed("kubeconfig")
    options.store.mkdir(parents=True, exist_ok=True)
    text, environment = "", None
    if options.runs:
        alike = [condense(run) for run in _stored(options.store, "alike", options.runs, _alike())]
        environment = alike[0].environment
        text += _rates([only_primary(run) for run in alike], options.side)
    for number in options.effects:
        effect = EFFECTS[number]
        manifest = _with_variant(effect, options.iterations)
        runs = list(_stored(options.store, f"effect-{number}", options.planted, manifest))
        if runs:
            environment = environment or runs[0].environment
            text += _planted(effect, runs)
    assert environment is not None
    text = f"{_provenance(environment)}\n\n{text}"
    sys.stdout.write(text)
    if options.write:
        write_between_marks(DOCS / "explanation" / "method.md", "calibration", text)


def _stored(store: Path, kind: str, count: int, manifest: dict[str, Any]) -> Iterator[RunRecord]:
    """Yield the records of a kind, and measure those that are not there yet."""
    for number in range(count):
        file = store / f"{kind}-{number}.json"
        if not file.exists():
            began = time.monotonic()
            record = _measure(manifest)
            draft = file.with_suffix(".draft")
            draft.write_text(record.model_dump_json(by_alias=True))
            draft.rename(file)
            sys.stderr.write(f"{file.name}: {time.monotonic() - began:.0f} s, {record.verdict}\n")
        yield RunRecord.model_validate_json(file.read_text())


def _measure(manifest: dict[str, Any]) -> RunRecord:
    kro = ("--namespace=kro-system", "deployment/kro")
    kubectl("rollout", "restart", *kro)
    kubectl("rollout", "status", *kro, "--timeout=5m")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(manifest, file)
        file.flush()
        finished = run_file(Path(file.name), _TIMEOUT_SECONDS, replace=True)
    return fetch_run(RunName.of(finished.run))


def _manifest(name: str, iterations: int, **spec: Any) -> dict[str, Any]:
    test = {"name": "single", "workload": {"scenario": "single", "instances": 20}}
    defaults = {"iterations": iterations, "warmup": 1, "concurrency": 20, "timeout": "3m"}
    return {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroBenchmark",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"defaults": defaults, "tests": [test]} | spec,
    }


def _alike() -> dict[str, Any]:
    return _manifest("calibrate-alike", iterations=2)


def _with_variant(effect: Effect, iterations: int) -> dict[str, Any]:
    variants = [{"name": "plain"} | effect.plain, {"name": "planted"} | effect.variant]
    return _manifest("calibrate-planted", iterations, **{"variants": variants} | effect.spec)


def _rates(runs: Sequence[RunEstimates], side: int) -> str:
    usable = [run for run in runs if run.unusable is None]
    lines = [f"{len(usable)} of {len(runs)} runs were valid; {side} runs against the next {side}."]
    if len(usable) < 2 * side:
        return "\n".join([*lines, "Too few for any rate.\n\n"])
    rates = {"false alarm in any primary metric": false_alarms(usable, side)}
    for factor in _FACTORS:
        planted = slowdown(factor)
        what = f"a kro that is {factor:g} times as slow"
        rates[f"found in any metric: {what}"] = power(usable, side, planted)
        for metric in (_P50, _RATE, _CPU):
            rates[f"found in `{metric}`: {what}"] = power(usable, side, planted, metric)
    rows = [(what, str(rate)) for what, rate in rates.items()]
    return "\n\n".join([*lines, table(("what", "share of comparisons [95 %]"), rows)]) + "\n\n"


def _planted(effect: Effect, runs: Sequence[RunRecord]) -> str:
    comparisons = [c for run in runs for c in run.variant_comparisons if c.refused is None]
    found = [_metric(comparison, effect.metric) for comparison in comparisons]
    right = sum(verdict is effect.expected for verdict, _ in found)
    ratios = ", ".join(f"{ratio:.2f}" for _, ratio in found if ratio is not None)
    return (
        f"- {effect.name}: `{effect.metric}` was called {effect.expected.lower()} in {right} of "
        f"{len(found)} runs; ratios {ratios or 'none'}\n"
    )


def _metric(comparison: Comparison, name: str) -> tuple[MetricVerdict | None, float | None]:
    for metric in comparison.metrics:
        if metric.metric == name:
            return metric.verdict, metric.ratio
    return None, None


def _provenance(environment: Environment) -> str:
    kro = environment.kro.version if environment.kro is not None else "-"
    return (
        f"`python -m bench.calibrate {' '.join(sys.argv[1:])}`, {rfc3339(utc_now())}: "
        f"krobench {environment.krobench}, kro {kro}, Kubernetes {environment.kubernetes}, "
        f"{os.cpu_count()} cores. A run: 20 instances of `single`, 20 at once, 1 warm-up and 2 "
        "measured iterations."
    )


if __name__ == "__main__":
    main()
