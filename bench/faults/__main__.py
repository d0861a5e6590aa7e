"""Faults inflicted on real runs: what is lost, what is wrong, what is left.

    python -m bench.faults                                # all of them: about two hours
    python -m bench.faults --only operator --count 10
    python -m bench.faults --only load --only kro-memory --seed 7

It needs a test bed with krobench on it. Results are stored as runs end, so it resumes where it
stopped; those of another build of krobench do not count. Exits with 1 if results were lost, a
verdict was wrong, objects were left, or a run did not end.
"""

import argparse
import os
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.documents import append, stored
from bench.faults.bed import Bed
from bench.faults.catalogue import FAULTS, Fault
from bench.faults.runs import Outcome, put_through
from krobench.report.tables import table
from testbed.paths import default_cache_dir

HEADER = (
    "fault",
    "times",
    "runs",
    "results lost",
    "wrong verdicts",
    "objects left",
    "runs without an end",
    "seconds to the end",
)


def main() -> None:
    """Inflict what is still to be inflicted, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", action="append", choices=FAULTS, help="repeat for several")
    parser.add_argument("--count", type=int, help="how often each; by default as often as it says")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--fresh", action="store_true", help="forget the results so far")
    parser.add_argument("--results", type=Path, default=default_cache_dir() / "faults.jsonl")
    options = parser.parse_args()
    # The API server must not stay down, nor etcd stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    os.environ.setdefault("PROVIDER", "testbed")
    bed = Bed.running()
    image = bed.image()
    if options.fresh:
        options.results.unlink(missing_ok=True)
    print(f"seed {options.seed}, {image}, results in {options.results}", flush=True)
    wanted = [FAULTS[name] for name in options.only or FAULTS]
    for fault in wanted:
        _inflict(bed, fault, options.count or fault.count, options.seed, options.results, image)
    outcomes = _stored(options.results, image)
    chosen = {fault.name: [o for o in outcomes if o.fault == fault.name] for fault in wanted}
    print(table(HEADER, [row(name, found) for name, found in chosen.items()]))
    failures = [outcome for found in chosen.values() for outcome in found if not outcome.well]
    for outcome in failures:
        print(f"{outcome.run}: {'; '.join(outcome.findings)}")
    sys.exit(bool(failures))


def _inflict(bed: Bed, fault: Fault, count: int, seed: int, results: Path, image: str) -> None:
    done = [outcome for outcome in _stored(results, image) if outcome.fault == fault.name]
    number = len(done)
    left = count - sum(outcome.times for outcome in done)
    while left > 0:
        number += 1
        draw = random.Random(f"{seed} {fault.name} {number}")  # noqa: S311 - only a schedule
        outcome = put_through(bed, fault, f"fault-{fault.name}-{number}", draw, at_most=left)
        if not outcome.times:
            print(f"{outcome.run}: it ended before the fault", flush=True)
            continue
        left -= outcome.times
        append(results, outcome)
        print(outcome, flush=True)


def _stored(results: Path, image: str) -> list[Outcome]:
    return [outcome for outcome in stored(results, Outcome) if outcome.image == image]


def row(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return a fault's line of the table."""
    seconds = sorted(o.seconds for o in outcomes if o.seconds is not None)
    return (
        name,
        str(sum(o.times for o in outcomes)),
        str(len(outcomes)),
        str(sum(len(o.lost) for o in outcomes)),
        str(sum(len(o.wrong) for o in outcomes)),
        str(sum(len(o.left) for o in outcomes)),
        str(sum(o.seconds is None for o in outcomes)),
        f"{seconds[0]:.0f} to {seconds[-1]:.0f}" if seconds else "not available",
    )


if __name__ == "__main__":
    main()
