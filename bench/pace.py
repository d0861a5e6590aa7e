"""How late requests are sent at half of the rate that the load generator and API server sustain.

In each round, the capacity is measured first (as many ConfigMaps as possible, 32 requests in
flight), then as many are created in an open loop at half of that rate.

    python -m bench.pace                          # needs a running test bed
"""

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import uvloop

from bench.environment import kubectl, testbed
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.load.loops import RunClock, from_now, open_loop, run_together
from krobench.workload.phases import Action, PlannedOperation

NAMESPACE = "krobench-pace"
WORKERS = 32
MAX_IN_FLIGHT = 1000

Create = Callable[[str, int], Awaitable[None]]


@dataclass(frozen=True)
class Round:
    """What one round came to."""

    capacity_per_second: float
    achieved_per_second: float
    lag_p50_seconds: float
    lag_p99_seconds: float
    lag_max_seconds: float
    cpu_seconds_per_request: float
    """Of this process, at the paced rate."""


def main() -> None:
    """Run all rounds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=3000, help="requests in each half of a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.environ["KUBECONFIG"] = testbed("kubeconfig")
    rounds = []
    for number in range(options.rounds):
        kubectl("create", "namespace", NAMESPACE)
        try:
            rounds.append(uvloop.run(_round(options.count)))
        finally:
            kubectl("delete", "namespace", NAMESPACE)
        print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)
    _show(rounds, options.count)


async def _round(count: int) -> Round:
    async with KubeClient(load_client_config(), connections=0) as client:
        path = paths.core("configmaps", NAMESPACE)

        async def create(prefix: str, index: int) -> None:
            await client.create(path, _config_map(f"{prefix}-{index}"), retries=0)

        capacity = await _closed(create, count)
        return await _open(create, count, capacity)


async def _closed(create: Create, count: int) -> float:
    indexes = iter(range(count))

    async def work() -> None:
        for index in indexes:
            await create("closed", index)

    started = time.monotonic()
    await run_together(work() for _ in range(WORKERS))
    return count / (time.monotonic() - started)


async def _open(create: Create, count: int, capacity: float) -> Round:
    clock = RunClock()
    rate = capacity / 2
    times = from_now([index / rate for index in range(count)], clock)
    lags: list[float] = []

    async def send(operation: PlannedOperation, intended: float | None) -> Awaitable[None] | None:
        assert intended is not None
        lags.append(clock.now() - intended)
        await create("open", operation.target)
        return None

    operations = [PlannedOperation(Action.CREATE, index) for index in range(count)]
    cpu = time.process_time()
    await open_loop(send, operations, times, clock, MAX_IN_FLIGHT)
    sent_over = max(clock.now() - times[0], (count - 1) / rate)
    return Round(
        capacity_per_second=capacity,
        achieved_per_second=(count - 1) / sent_over,
        lag_p50_seconds=statistics.median(lags),
        lag_p99_seconds=sorted(lags)[math.ceil(0.99 * count) - 1],
        lag_max_seconds=max(lags),
        cpu_seconds_per_request=(time.process_time() - cpu) / count,
    )


def _config_map(name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "data": {"key": "value"},
    }


def _show(rounds: Sequence[Round], count: int) -> None:
    print(f"{count} ConfigMaps at half of capacity, {len(rounds)} rounds: median (range)\n")
    print("| capacity | asked for | achieved | send lag p50 | p99 | max | CPU per request |")
    print("|---|---|---|---|---|---|---|")
    cells = (
        _cell([r.capacity_per_second for r in rounds], 1, 0, "/s"),
        _cell([r.capacity_per_second / 2 for r in rounds], 1, 0, "/s"),
        _cell([r.achieved_per_second for r in rounds], 1, 0, "/s"),
        _cell([r.lag_p50_seconds for r in rounds], 1000, 2, " ms"),
        _cell([r.lag_p99_seconds for r in rounds], 1000, 2, " ms"),
        _cell([r.lag_max_seconds for r in rounds], 1000, 2, " ms"),
        _cell([r.cpu_seconds_per_request for r in rounds], 1000, 2, " ms"),
    )
    print(f"| {' | '.join(cells)} |")


def _cell(values: Sequence[float], factor: float, digits: int, unit: str) -> str:
    low, middle, high = (
        f"{value * factor:.{digits}f}"
        for value in (min(values), statistics.median(values), max(values))
    )
    return f"{middle}{unit} ({low} to {high})"


if __name__ == "__main__":
    main()
