"""What one load Job pod needs to create and follow 10,000 instances of a real kro.

kro gets 16 workers for instances and no CPU limit, so that it takes minutes and not half an hour;
its own settings are put back afterwards.

    python -m bench.track                         # needs a running test bed with krobench on it
"""

import argparse
import json
import os
import time
from typing import Any

from bench.environment import kubectl, testbed

NAME = "track"
KRO_SETTINGS = (
    "config.dynamicControllerConcurrentReconciles=16",
    "deployment.resources.limits.cpu=2",
    "deployment.resources.limits.memory=4Gi",
)
METRICS = (
    ("resident memory of the load pod, max", "krobench.load.residentMaxBytes", 1 / 2**20, "MiB"),
    ("CPU time of the load pod", "krobench.load.cpuSeconds", 1, "s"),
    ("watch events", "krobench.load.watchEvents", 1, ""),
    ("CPU time per watch event", "krobench.load.cpuSecondsPerWatchEvent", 1e6, "µs"),
    ("watch lag p99", "krobench.watch.lagSeconds.p99", 1e3, "ms"),
)


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--instances", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    os.environ["KUBECONFIG"] = testbed("kubeconfig")
    testbed("up", *(f"--kro-set={setting}" for setting in KRO_SETTINGS))
    try:
        _show(_run(options.instances, options.concurrency))
    finally:
        kubectl("delete", "krobenchmark", NAME, "--ignore-not-found", "--timeout=20m")
        testbed("up")


def _run(instances: int, concurrency: int) -> dict[str, Any]:
    workload = {"scenario": "single", "instances": instances}
    spec = {
        "defaults": {
            "iterations": 1,
            "warmup": 0,
            "concurrency": concurrency,
            "timeout": "60m",
        },
        "tests": [{"name": NAME, "workload": workload}],
    }
    manifest = {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroBenchmark",
        "metadata": {"name": NAME, "namespace": "default"},
        "spec": spec,
    }
    kubectl("delete", "krobenchmark", NAME, "--ignore-not-found")
    kubectl("apply", "--filename=-", stdin=json.dumps(manifest))
    started = time.monotonic()
    kubectl("wait", "krobenchmark", NAME, "--for=condition=Finished", "--timeout=90m")
    print(f"the whole run took {time.monotonic() - started:.0f} s")
    config_map = json.loads(kubectl("get", "configmap", f"{NAME}-results", "--output=json"))
    record: dict[str, Any] = json.loads(config_map["data"]["run.json"])
    return record


def _show(record: dict[str, Any]) -> None:
    test = record["tests"][0]
    print(
        f"verdict {record['verdict']}, orphans {record['orphans']}, warnings {record['warnings']}"
    )
    for iteration in test["iterations"]:
        print(f"\n{iteration['counts']['ready']} instances were ready\n")
        print("| what | value |\n|---|---|")
        for label, name, factor, unit in METRICS:
            value = iteration["figures"].get(name)
            shown = "not available" if value is None else f"{value * factor:.6g} {unit}"
            print(f"| {label} | {shown} |")
        print(f"| instances per second | {iteration['throughput']['instancesPerSecond']} |")
        print(f"| cleanup | {iteration['teardown']['durationSeconds']} s |")


if __name__ == "__main__":
    main()
