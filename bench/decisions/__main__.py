"""Whole decisions between a kro and itself, and between a kro and a slower one.

    python -m bench.decisions --each 1                 # to try it: about an hour
    python -m bench.decisions --each 20 --write        # hours; resumes where it stopped
    python -m bench.decisions --only "sleeps 10 %" --each 5

Each decision is a KroBenchmark with ``decide``, as ``krobench ab`` applies it, with a single test.
Decisions are stored as they end, with the build of krobench that made them. Rates are printed with
exact intervals; ``--write`` puts them into docs/explanation/method.md. It needs the test bed.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from bench.decisions.kros import Planted
from bench.decisions.outcomes import Outcome, as_table, outcome
from bench.documents import DOCS, append, stored, write_between_marks
from bench.environment import kubectl, testbed
from krobench.api.common import rfc3339, utc_now
from krobench.cli.names import RunName
from krobench.cli.run import run_file
from krobench.cli.sources import fetch_run
from testbed import versions
from testbed.krosource import Release
from testbed.paths import default_cache_dir

PLANTED = {
    "nothing": None,
    "sleeps 10 %": Planted(sleeps=0.1),
    "allocates 10 %": Planted(allocates=0.1),
    "sleeps 30 %": Planted(sleeps=0.3),
}
_TIMEOUT_SECONDS = 3600.0


def main() -> None:
    """Make the decisions that are missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--each", type=int, default=20, help="decisions for each that is planted")
    parser.add_argument("--only", action="append", choices=PLANTED, help="repeat for several")
    parser.add_argument("--instances", type=int, default=60, help="of single, in each iteration")
    parser.add_argument("--budget", default="25m", help="how long blocks are measured at most")
    parser.add_argument("--store", type=Path, default=default_cache_dir() / "decisions.jsonl")
    parser.add_argument("--write", action="store_true", help="write docs/explanation/method.md")
    options = parser.parse_args()
    os.environ["KUBECONFIG"] = testbed("kubeconfig")
    image = kubectl(
        *("get", "deployment", "krobench", "--namespace=krobench-system"),
        "--output=jsonpath={.spec.template.spec.containers[0].image}",
    )
    wanted = options.only or list(PLANTED)
    # One of each in turn, so that an interrupted command has some of all.
    for number in range(1, options.each + 1):
        for planted in wanted:
            if len(_made(options.store, image, planted)) < number:
                made = _decide(planted, image, options.instances, options.budget)
                append(options.store, made)
                said = made.problem or made.verdict
                print(
                    f"{planted}: {said}, {made.blocks} blocks, {made.minutes:.1f} min", flush=True
                )
    by_planted = {planted: _made(options.store, image, planted) for planted in wanted}
    text = f"{_provenance(image, options)}\n\n{as_table(by_planted)}"
    print(text)
    if options.write:
        write_between_marks(DOCS / "explanation" / "method.md", "decisions", text)


def _made(store: Path, image: str, planted: str) -> Sequence[Outcome]:
    outcomes = stored(store, Outcome)
    return [each for each in outcomes if (each.krobench, each.planted) == (image, planted)]


def _decide(planted: str, image: str, instances: int, budget: str) -> Outcome:
    manifest = _manifest(_images(PLANTED[planted]), instances, budget)
    began = time.monotonic()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(manifest, file)
        file.flush()
        finished = run_file(Path(file.name), _TIMEOUT_SECONDS, replace=True)
    minutes = (time.monotonic() - began) / 60
    return outcome(planted, image, fetch_run(RunName.of(finished.run)), minutes)


def _images(planted: Planted | None) -> tuple[str, str]:
    plain = testbed("kro-image", versions.KRO)
    if planted is None:
        return plain, plain
    with tempfile.TemporaryDirectory(prefix="krobench-planted-") as directory:
        source = planted.source(Release(versions.KRO), Path(directory) / "kro")
        return plain, testbed("kro-image", "--source", str(source.directory))


def _manifest(images: tuple[str, str], instances: int, budget: str) -> dict[str, Any]:
    names = ("plain", "planted")
    test = {"name": "single", "workload": {"scenario": "single", "instances": instances}}
    return {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroBenchmark",
        "metadata": {"name": "decision", "namespace": "default"},
        "spec": {
            "decide": {"minimumEffect": "10%", "maxDuration": budget},
            "defaults": {"warmup": 1},
            "variants": [
                {"name": name, "image": image} for name, image in zip(names, images, strict=True)
            ],
            "tests": [test],
        },
    }


def _provenance(image: str, options: argparse.Namespace) -> str:
    return (
        f"`python -m bench.decisions {' '.join(sys.argv[1:])}`, {rfc3339(utc_now())}: "
        f"{image.rpartition(':')[2]}, kro {versions.KRO}, {os.cpu_count()} cores. A decision: up "
        f"to {options.budget}, {options.instances} instances of `single` in each iteration, after "
        "as many to warm up. Shares have their exact 95 % interval."
    )


if __name__ == "__main__":
    main()
