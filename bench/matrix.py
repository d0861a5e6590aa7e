"""A short benchmark on each pair of a Kubernetes and a kro, each in a test bed of its own.

    python -m bench.matrix                              # all: 10 minutes for a new Kubernetes
    python -m bench.matrix --kubernetes 1.34.4 --kro 0.9.4
    python -m bench.matrix --write                      # and docs/reference/support.md

It replaces a test bed that is running. Pairs are stored as they end, with the version of krobench;
it resumes where it stopped. Exits with 1 if a pair did not pass.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from pydantic import BaseModel

from bench.documents import DOCS, append, stored, write_between_marks
from bench.environment import ROOT, testbed
from krobench import __version__
from krobench.analysis.comparison.estimates import numbers_of
from krobench.api import units
from krobench.api.common import utc_now
from krobench.cli.names import RunName
from krobench.cli.run import run_file
from krobench.cli.sources import fetch_run
from krobench.record.run import RunRecord
from krobench.record.test import IterationRecord
from krobench.report.tables import table
from testbed import versions
from testbed.paths import default_cache_dir

KUBERNETES = ("1.30.14", "1.34.4", versions.KUBERNETES, "1.37.2")
KRO = (versions.KRO,)
OLDER_KRO = ("0.9.3", "0.9.2", "0.9.1", "0.9.0", "0.8.1")
"""On the default Kubernetes only."""
HEADER = ("Kubernetes", "kro", "date", "result", "ready p50", "rate", "figures not available")
_TIMEOUT_SECONDS = 900.0
_P50, _RATE = "latency.instanceReady.p50", "throughput.instancesPerSecond"


class Outcome(BaseModel):
    """What came of a pair."""

    krobench: str
    kubernetes: str
    kro: str
    date: str
    result: str
    passed: bool
    p50_seconds: float | None = None
    instances_per_second: float | None = None
    unavailable: tuple[str, ...] = ()
    """Names of figures."""

    @property
    def pair(self) -> tuple[str, str, str]:
        return self.krobench, self.kubernetes, self.kro


def main() -> None:
    """Try the pairs that are missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kubernetes", action="append", help="repeat for several")
    parser.add_argument("--kro", action="append", help="repeat for several")
    parser.add_argument("--fresh", action="store_true", help="forget the results so far")
    parser.add_argument("--store", type=Path, default=default_cache_dir() / "matrix.jsonl")
    parser.add_argument("--write", action="store_true", help="write docs/reference/support.md")
    options = parser.parse_args()
    os.environ["PROVIDER"] = "testbed"
    if options.fresh:
        options.store.unlink(missing_ok=True)
    pairs = list(_pairs(options.kubernetes, options.kro))
    known = {outcome.pair: outcome for outcome in stored(options.store, Outcome)}
    for kubernetes, kro in pairs:
        if (__version__, kubernetes, kro) not in known:
            outcome = _try(kubernetes, kro)
            known[outcome.pair] = outcome
            append(options.store, outcome)
            print(f"Kubernetes {kubernetes}, kro {kro}: {outcome.result}", flush=True)
    wanted = [known[(__version__, *pair)] for pair in pairs]
    text = table(HEADER, [_row(outcome) for outcome in wanted])
    print(text)
    if options.write:
        write_between_marks(DOCS / "reference" / "support.md", "matrix", text)
    sys.exit(not all(outcome.passed for outcome in wanted))


def _pairs(
    kubernetes: Sequence[str] | None, kro: Sequence[str] | None
) -> Iterator[tuple[str, str]]:
    yield from product(kubernetes or KUBERNETES, kro or KRO)
    if not kubernetes and not kro:
        yield from product((versions.KUBERNETES,), OLDER_KRO)


def _try(kubernetes: str, kro: str) -> Outcome:
    head = {
        "krobench": __version__,
        "kubernetes": kubernetes,
        "kro": kro,
        "date": f"{utc_now():%Y-%m-%d}",
    }
    try:
        testbed("up", "--kubernetes-version", kubernetes, "--kro-version", kro)
        subprocess.run(["scripts/deploy.sh"], cwd=ROOT, check=True)
    except subprocess.CalledProcessError as error:
        return Outcome(**head, result=f"not installed: {' '.join(error.cmd[-4:])}", passed=False)
    os.environ["KUBECONFIG"] = testbed("kubeconfig")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(_manifest(), file)
        file.flush()
        finished = run_file(Path(file.name), _TIMEOUT_SECONDS, replace=True)
    return _outcome(head, fetch_run(RunName.of(finished.run)))


def _outcome(head: dict[str, str], run: RunRecord) -> Outcome:
    if run.error is not None:
        return Outcome(**head, result=f"{run.error.reason}: {run.error.message}", passed=False)
    measured = [each for each in run.tests[0].iterations if not each.warmup]
    return Outcome(
        **head,
        result=str(run.verdict),
        passed=run.tests[0].success is True,
        p50_seconds=_middle(measured, _P50),
        instances_per_second=_middle(measured, _RATE),
        unavailable=tuple(sorted({name for each in measured for name in each.unavailable})),
    )


def _middle(iterations: Sequence[IterationRecord], name: str) -> float | None:
    found = [value for each in iterations if (value := numbers_of(each).get(name)) is not None]
    return median(found) if found else None


def _row(outcome: Outcome) -> tuple[str, ...]:
    return (
        outcome.kubernetes,
        outcome.kro,
        outcome.date,
        outcome.result,
        units.seconds(outcome.p50_seconds),
        units.rate(outcome.instances_per_second),
        str(len(outcome.unavailable)) if outcome.passed else "-",
    )


def _manifest() -> dict[str, Any]:
    test = {"name": "single", "workload": {"scenario": "single", "instances": 30}}
    return {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroBenchmark",
        "metadata": {"name": "matrix", "namespace": "default"},
        "spec": {
            "defaults": {"iterations": 2, "warmup": 1, "timeout": "2m"},
            "tests": [test],
        },
    }


if __name__ == "__main__":
    main()
