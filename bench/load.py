"""How fast, and at what cost, the load generator creates objects, compared with others.

Each contender creates the same number of ConfigMaps on the same API server, in turns within one
run, several times; what is shown are medians, and ratios to each of the others with their range
over the rounds. Absolute numbers mean little on a shared machine; ratios within a round do.

    python -m bench.load                          # needs a running test bed
    KUBE_BURNER=/path/to/kube-burner python -m bench.load
"""

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.environment import ROOT, kubectl, testbed

BENCH = ROOT / "bench"
NAMESPACE = "krobench-bench"
WORKERS = 32


@dataclass(frozen=True)
class Measurement:
    """One contender in one round."""

    objects_per_second: float
    cpu_seconds_per_object: float
    """Of the whole process."""
    requests_cpu_seconds_per_object: float | None
    """Without start-up, if the program measures it."""


@dataclass(frozen=True)
class Contender:
    """A program that creates ConfigMaps."""

    name: str
    command: Callable[[Path, int], list[str]]
    """From a directory for its files and the number of objects to its command line."""


def main() -> None:
    """Run all rounds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=3000, help="objects in each round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.environ["KUBECONFIG"] = testbed("kubeconfig")
    contenders = _contenders()
    results: dict[str, list[Measurement]] = {contender.name: [] for contender in contenders}
    for number in range(options.rounds):
        # The order changes each round, so that none always comes after the same other.
        for contender in (
            contenders[number % len(contenders) :] + contenders[: number % len(contenders)]
        ):
            measurement = _measure(contender, options.count)
            results[contender.name].append(measurement)
            print(f"round {number + 1}: {contender.name}: {measurement}", file=sys.stderr)
    _show(results, options.count, options.rounds)


def _contenders() -> list[Contender]:
    found = [
        Contender(
            "krobench",
            lambda _, count: [
                sys.executable,
                str(BENCH / "create.py"),
                f"--namespace={NAMESPACE}",
                f"--count={count}",
                f"--workers={WORKERS}",
            ],
        ),
        Contender("client-go", _client_go()),
    ]
    kube_burner = os.environ.get("KUBE_BURNER")
    if kube_burner:
        found.append(Contender("kube-burner", _kube_burner(kube_burner)))
    else:
        print("kube-burner: not available: set KUBE_BURNER to its program", file=sys.stderr)
    return found


def _client_go() -> Callable[[Path, int], list[str]]:
    program = Path(tempfile.mkdtemp(prefix="krobench-bench-")) / "client-go"
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=BENCH / "client-go", check=True)
    return lambda _, count: [
        str(program),
        f"-namespace={NAMESPACE}",
        f"-count={count}",
        f"-workers={WORKERS}",
    ]


def _kube_burner(program: str) -> Callable[[Path, int], list[str]]:
    def command(directory: Path, count: int) -> list[str]:
        (directory / "configmap.yaml").write_text(
            "apiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: 'bench-{{.Iteration}}'}\ndata: {key: value}\n"
        )
        job = {
            "name": "bench",
            "jobType": "create",
            "jobIterations": count,
            "qps": 5000,
            "burst": 5000,
            "namespacedIterations": False,
            "namespace": NAMESPACE,
            "waitWhenFinished": False,
            "objects": [{"objectTemplate": "configmap.yaml", "replicas": 1}],
        }
        config = {"global": {"gc": False}, "jobs": [job]}
        (directory / "config.yml").write_text(yaml.safe_dump(config))
        return [program, "init", "-c", "config.yml", "--log-level=error"]

    return command


def _measure(contender: Contender, count: int) -> Measurement:
    kubectl("create", "namespace", NAMESPACE)
    try:
        with tempfile.TemporaryDirectory() as name:
            command = contender.command(Path(name), count)
            before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            done = subprocess.run(
                command, check=True, cwd=name, stdout=subprocess.PIPE, text=True
            ).stdout
            seconds = time.monotonic() - started
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        created = _count()
        if created < count:
            raise RuntimeError(f"{contender.name} created {created} of {count} objects")
    finally:
        kubectl("delete", "namespace", NAMESPACE)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    told = re.search(r"^requests_cpu_seconds=([0-9.]+)$", done, re.MULTILINE)
    return Measurement(count / seconds, cpu / count, float(told[1]) / count if told else None)


def _count() -> int:
    names = kubectl("--namespace", NAMESPACE, "get", "configmaps", "--output=name").splitlines()
    return sum("/bench-" in name for name in names)


def _show(results: dict[str, list[Measurement]], count: int, rounds: int) -> None:
    print(f"{count} ConfigMaps, {WORKERS} requests in flight, {rounds} rounds in turns")
    print("whole processes; the columns on requests leave start-up out\n")
    print("| program | objects/s | CPU/object | requests | krobench to it: rate | CPU | requests |")
    print("|---|---|---|---|---|---|---|")
    ours = results["krobench"]
    for name, theirs in results.items():
        cells = (
            f"{statistics.median(m.objects_per_second for m in theirs):.0f}",
            _milliseconds([m.cpu_seconds_per_object for m in theirs]),
            _milliseconds([m.requests_cpu_seconds_per_object for m in theirs]),
            _ratio([m.objects_per_second for m in ours], [m.objects_per_second for m in theirs]),
            _ratio(
                [m.cpu_seconds_per_object for m in ours],
                [m.cpu_seconds_per_object for m in theirs],
            ),
            _ratio(
                [m.requests_cpu_seconds_per_object for m in ours],
                [m.requests_cpu_seconds_per_object for m in theirs],
            ),
        )
        print(f"| {name} | {' | '.join(cells)} |")


def _milliseconds(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known) * 1000:.2f} ms" if known else "not available"


def _ratio(ours: Sequence[float | None], theirs: Sequence[float | None]) -> str:
    """Compare round by round."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    if not ratios:
        return "not available"
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
