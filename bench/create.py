"""Create ConfigMaps with krobench's own client, as fast as it goes."""

import argparse
import time
from collections.abc import Iterator

import uvloop

from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.load.loops import run_together


async def create(namespace: str, count: int, workers: int) -> None:
    """Create ``count`` ConfigMaps with ``workers`` requests in flight."""
    path = paths.core("configmaps", namespace)
    bodies = _bodies(namespace, count)
    async with KubeClient(load_client_config(), connections=workers) as client:

        async def work() -> None:
            for body in bodies:
                await client.create(path, body, retries=0)

        started = time.process_time()
        await run_together(work() for _ in range(workers))
        print(f"requests_cpu_seconds={time.process_time() - started:f}")


def _bodies(namespace: str, count: int) -> Iterator[dict[str, object]]:
    for index in range(count):
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"bench-{index}", "namespace": namespace},
            "data": {"key": "value"},
        }


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--workers", type=int, default=32)
    options = parser.parse_args()
    uvloop.run(create(options.namespace, options.count, options.workers))


if __name__ == "__main__":
    main()
