"""Runs made to measure, for comparisons."""

import random
from typing import Any

from krobench.analysis.comparison.compare import Side
from krobench.figures.environment import Environment, KroFingerprint, NodeFingerprint
from krobench.findings.estimates import RunEstimates, TestEstimates

METRICS = (
    "latency.instanceReady.p50",
    "throughput.instancesPerSecond",
    "kro.memory.residentBytes.max",
)


def environment(version: str = "0.9.4", **kro: Any) -> Environment:
    node = NodeFingerprint(name="n1", cpu="2", memory="8000000Ki", kernel="6", kubelet="v1.36.0")
    fingerprint = KroFingerprint(namespace="kro-system", pod="kro-1", version=version, **kro)
    return Environment(krobench="0", kubernetes="v1.36.0", kro=fingerprint, nodes=[node])


def run(name: str, iterations: list[dict[str, float | None]], **changes: Any) -> RunEstimates:
    workload = {"workload.scenario": "single", "workload.instances": "50"}
    test = TestEstimates(name="web", workload=workload, iterations=iterations)
    made = RunEstimates(
        id=f"{name}-uid-1234",
        name=name,
        namespace="default",
        start_time="2026-01-01T00:00:00Z",
        environment=environment(),
        tests=[test],
    )
    return made.model_copy(update=changes)


def side(
    label: str, runs: int, seed: int, effect: float = 1.0, drift: float = 0.03, iterations: int = 3
) -> Side:
    """A side whose runs differ by ``drift``, and the iterations of one by 2 %."""
    rng = random.Random(seed)

    def measured() -> list[dict[str, float | None]]:
        levels = {name: rng.lognormvariate(0, drift) * 10 for name in METRICS}
        levels[METRICS[0]] *= effect
        return [
            {name: level * rng.lognormvariate(0, 0.02) for name, level in levels.items()}
            for _ in range(iterations)
        ]

    return Side(label, [run(f"{label}-{index}", measured()) for index in range(runs)])
