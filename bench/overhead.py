"""What sampling costs the kro that is sampled: the same benchmark with and without it, in turns.

At the default of a sample every five seconds the cost is lost in the scatter of a shared machine,
so it is measured at many times that rate and divided: what a sample costs kro does not depend on
when the one before it was.

Without: samples only before set-up, before and after the run phase, without which kro's CPU time
would not be known; these are taken by both, and lie outside of the run phase.

    python -m bench.overhead        # needs a running cluster with krobench on it
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bench.environment import kubectl, testbed
from krobench.analysis.statistics.intervals import ratio_interval
from krobench.api.notation import duration_seconds
from krobench.api.specs.collect import Collect
from krobench.report.tables import table

_WITHOUT = "5m"
_LIGHT, _FULL = "light", "full"
_WORDS = {_LIGHT: "5 instances/s", _FULL: "20 in flight at all times"}

Figures = Mapping[str, float]
"""By name, of one test of one run: kro's CPU seconds for each instance, and the median latency."""


def main() -> None:
    """Run all rounds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--interval", default="200ms", help="between samples, of the side with them"
    )
    parser.add_argument("--rounds", type=int, default=4, help="4 at least, for intervals")
    options = parser.parse_args()
    if options.rounds < 4:
        parser.error("--rounds must be 4 at least: with fewer there are no intervals")
    os.environ["KUBECONFIG"] = testbed("kubeconfig")
    sides: dict[str, list[dict[str, Figures]]] = {options.interval: [], _WITHOUT: []}
    for number in range(options.rounds):
        # The order changes each round, so that none always comes after the same other.
        for interval in sorted(sides, reverse=number % 2 == 1):
            figures = _figures(_run(f"bench-overhead-{number}", interval))
            sides[interval].append(figures)
            print(f"round {number + 1}, a sample each {interval}: {figures}", file=sys.stderr)
    usual = Collect().interval
    often = duration_seconds(usual) / duration_seconds(options.interval)
    with_, without = sides[options.interval], sides[_WITHOUT]
    head = (
        "load",
        "figure",
        f"a sample each {options.interval}, to none",
        f"each {usual}, reckoned",
    )
    rows = [_row(t, f, with_, without, often) for t, f in _rows(without)]
    print(table(head, rows))
    cores = [run[test]["collector cores"] for run in with_ for test in run]
    print(f"\nThe collectors' thread took {sum(cores) / len(cores):.4f} cores on average.")


def share_of(ratio: float, often: float) -> float:
    """Return what a ratio measured with ``often`` times as many samples makes of the usual ones:
    a share of what there is without any, which is below zero if the ratio is below one."""
    return (ratio - 1) / often


def _rows(runs: Sequence[Mapping[str, Figures]]) -> list[tuple[str, str]]:
    return [(test, name) for test in runs[0] for name in ("kro CPU", "median latency")]


def _row(
    test: str,
    name: str,
    with_: Sequence[Mapping[str, Figures]],
    without: Sequence[Mapping[str, Figures]],
    often: float,
) -> Sequence[str]:
    # Neighbours in time are divided by each other, so that a slow hour is on both sides.
    found = ratio_interval([r[test][name] for r in with_], [r[test][name] for r in without])
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    low, value, high = (share_of(each, often) for each in (found.low, found.value, found.high))
    return (
        _WORDS[test],
        name,
        f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})",
        f"{value:+.2%} ({low:+.2%} to {high:+.2%})",
    )


def _run(name: str, interval: str) -> dict[str, Any]:
    manifest = {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroBenchmark",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "collect": {"interval": interval},
            "defaults": {"iterations": 1, "warmup": 0, "timeout": "3m"},
            "tests": [
                {
                    "name": _LIGHT,
                    "workload": {"scenario": "single", "instances": 80},
                    "load": {"arrival": "constant", "rate": 5, "maxSendLag": "5s"},
                },
                {
                    "name": _FULL,
                    "workload": {"scenario": "single", "instances": 160},
                    "concurrency": 20,
                },
            ],
        },
    }
    kubectl("apply", "--filename=-", stdin=yaml.safe_dump(manifest))
    try:
        kubectl("wait", f"krobenchmark/{name}", "--for=condition=Finished", "--timeout=6m")
        text = kubectl("get", "configmap", f"{name}-results", "--output=json")
    finally:
        kubectl("delete", "krobenchmark", name)
    record: dict[str, Any] = json.loads(json.loads(text)["data"]["run.json"])
    return record


def _figures(record: Mapping[str, Any]) -> dict[str, Figures]:
    return {test["name"]: _of(test["iterations"][0]) for test in record["tests"]}


def _of(iteration: Mapping[str, Any]) -> Figures:
    figures = iteration["figures"]
    return {
        "kro CPU": figures["perInstance.kro.cpu.seconds"],
        "median latency": iteration["latency"]["instanceReady"]["p50Seconds"],
        "collector cores": figures["krobench.collectors.cpuSeconds"]
        / figures["duration.runSeconds"],
    }


if __name__ == "__main__":
    main()
