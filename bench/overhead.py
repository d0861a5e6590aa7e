"""What sampling costs the kro that is sampled: the same benchmark with and without it, in turns.

With: a sample every five seconds, the default. Without: samples only before set-up, before and
after the run phase, without which kro's CPU time would not be known; these are taken by both, and
lie outside of the run phase.

    python bench/overhead.py        # needs a running test bed with krobench on it
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import yaml

from krobench.analysis.statistics.bootstrap import ratio_interval

# Below what kro can do on the test bed, so that latencies are not those of a queue.
RATE = 5
INTERVALS = {"with": "5s", "without": "5m"}


@dataclass
class Side:
    """What was measured of one side: for each run, a value for each iteration."""

    kro_cpu_seconds: list[list[float]] = field(default_factory=list)
    """Of each instance."""
    ready_seconds: list[list[float]] = field(default_factory=list)
    """Medians over the instances."""
    collector_cores: list[float] = field(default_factory=list)


def main() -> None:
    """Run all rounds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--instances", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=6, help="4 at least, for intervals")
    options = parser.parse_args()
    if options.rounds < 4:
        parser.error("--rounds must be 4 at least: with fewer there are no intervals")
    os.environ["KUBECONFIG"] = _testbed("kubeconfig")
    kubectl = _testbed("tool", "kubectl")
    sides = {name: Side() for name in INTERVALS}
    for number in range(options.rounds):
        # The order changes each round, so that none always comes after the same other.
        for name in sorted(sides, reverse=number % 2 == 1):
            record = _run(kubectl, f"bench-{name}-{number}", INTERVALS[name], options.instances)
            _book(sides[name], record)
            print(f"round {number + 1}: {name}: {_last(sides[name])}", file=sys.stderr)
    _show(sides)


def _run(kubectl: str, name: str, interval: str, instances: int) -> dict[str, Any]:
    manifest = {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroBenchmark",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "collect": {"interval": interval},
            "defaults": {"iterations": 1, "warmup": 0, "timeout": "3m"},
            "tests": [
                {
                    "name": "single",
                    "workload": {"scenario": "single", "instances": instances},
                    "load": {"arrival": "constant", "rate": RATE, "maxSendLag": "5s"},
                }
            ],
        },
    }
    _call(kubectl, "apply", "--filename=-", stdin=yaml.safe_dump(manifest))
    try:
        _call(kubectl, "wait", f"krobenchmark/{name}", "--for=condition=Finished", "--timeout=4m")
        text = _call(kubectl, "get", "configmap", f"{name}-results", "--output=json")
    finally:
        _call(kubectl, "delete", "krobenchmark", name)
    record: dict[str, Any] = json.loads(json.loads(text)["data"]["run.json"])
    return record


def _book(side: Side, record: dict[str, Any]) -> None:
    iterations = record["tests"][0]["iterations"]
    side.kro_cpu_seconds.append([i["usage"]["perInstance"]["kroCpuSeconds"] for i in iterations])
    side.ready_seconds.append([i["latency"]["instanceReady"]["p50Seconds"] for i in iterations])
    side.collector_cores += [
        i["usage"]["collectors"]["cpuSeconds"] / i["runSeconds"] for i in iterations
    ]


def _last(side: Side) -> str:
    return (
        f"{side.kro_cpu_seconds[-1][0] * 1000:.2f} ms of CPU for each instance, "
        f"ready after {side.ready_seconds[-1][0] * 1000:.0f} ms, "
        f"collectors {side.collector_cores[-1]:.4f} cores"
    )


def _show(sides: dict[str, Side]) -> None:
    with_, without = sides["with"], sides["without"]
    print("| figure | with sampling to without, 95 % interval |\n|---|---|")
    for label, attribute in (
        ("kro CPU time for each instance", "kro_cpu_seconds"),
        ("median time until ready", "ready_seconds"),
    ):
        found = ratio_interval(getattr(without, attribute), getattr(with_, attribute))
        assert found is not None
        print(f"| {label} | {found.ratio:.3f} ({found.low:.3f} to {found.high:.3f}) |")
    mean = sum(with_.collector_cores) / len(with_.collector_cores)
    print(f"\nThe collectors' thread took {mean:.4f} cores on average over the run phase.")


def _testbed(*arguments: str) -> str:
    return _call(sys.executable, "-m", "testbed", *arguments).strip()


def _call(*command: str, stdin: str | None = None) -> str:
    return subprocess.run(
        command, input=stdin, check=True, text=True, stdout=subprocess.PIPE
    ).stdout


if __name__ == "__main__":
    main()
