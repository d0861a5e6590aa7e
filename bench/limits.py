"""How well the limit of a scale test reproduces: the same test several times over on this cluster.

    python -m bench.limits --runs 2                       # to try it
    python -m bench.limits manifests/examples/scale-rgds.yaml --keep records

It needs a running cluster with krobench on it. Exits with 1 if a run found no limit, or the
limits are not all within 10 % of their median.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from bench.environment import ROOT, kubectl, testbed
from krobench.findings.scaling import Limit, LimitState
from krobench.record.run import RunRecord
from krobench.report.tables import table
from krobench.report.words.scaling import limit_text
from krobench.report.words.sizes import plain

_TOLERANCE = 0.1
_EXAMPLE = ROOT / "manifests" / "examples" / "scale-instances.yaml"
_TIMEOUT = "30m"


@dataclass(frozen=True)
class Spread:
    """Limits of runs that are all alike."""

    middle: float
    furthest_ratio: float
    """Of that which is furthest from the median: its distance over the median."""

    @property
    def reproduces(self) -> bool:
        """Whether all lie near enough to their median."""
        return self.furthest_ratio <= _TOLERANCE


def spread_of(limits: Sequence[Limit]) -> Spread | None:
    """Return how far the limits are apart; None if a run found none."""
    sizes = [limit.size for limit in limits if limit.state is LimitState.FOUND]
    known = [size for size in sizes if size is not None]
    if not known or len(known) < len(limits):
        return None
    middle = median(known)
    return Spread(middle, max(abs(size / middle - 1) for size in known))


def main() -> None:
    """Run the test as often as asked for, and print each limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path, nargs="?", default=_EXAMPLE)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder to write the run records into")
    options = parser.parse_args()
    os.environ["KUBECONFIG"] = testbed("kubeconfig")
    manifest = yaml.safe_load(options.file.read_text())
    runs = []
    for number in range(1, options.runs + 1):
        runs.append(_run(manifest))
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            record = runs[-1].model_dump_json(by_alias=True)
            (options.keep / f"{manifest['metadata']['name']}-{number}.json").write_text(record)
    print(table(("run", "when", "limit", "verdict"), map(_row, range(1, len(runs) + 1), runs)))
    spread = spread_of([_limit(run) for run in runs])
    if spread is None:
        sys.exit("a run found no limit")
    print(
        f"\nmedian {plain(spread.middle)}, the furthest is {spread.furthest_ratio:.1%} off: "
        f"{'all' if spread.reproduces else 'NOT all'} within {_TOLERANCE:.0%} of the median"
    )
    sys.exit(not spread.reproduces)


def _run(manifest: dict[str, Any]) -> RunRecord:
    name = manifest["metadata"]["name"]
    kubectl("delete", "kroscaletest", name, "--ignore-not-found", "--timeout=10m")
    kubectl("apply", "--filename=-", stdin=json.dumps(manifest))
    kubectl("wait", "kroscaletest", name, "--for=condition=Finished", f"--timeout={_TIMEOUT}")
    config_map = json.loads(kubectl("get", "configmap", f"{name}-results", "--output=json"))
    run = RunRecord.model_validate_json(config_map["data"]["run.json"])
    print(f"{name}: {_shown(run)}", file=sys.stderr)
    return run


def _row(number: int, run: RunRecord) -> Sequence[str]:
    return (str(number), f"{run.start_time} to {run.end_time}", _shown(run), str(run.verdict))


def _shown(run: RunRecord) -> str:
    assert run.scale is not None
    return limit_text(_limit(run), run.scale.axis)


def _limit(run: RunRecord) -> Limit:
    found = run.scale.limit if run.scale is not None else None
    return found if found is not None else Limit(state=LimitState.UNDECIDED)


if __name__ == "__main__":
    main()
