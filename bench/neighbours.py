"""How much more memory a load Job takes if others have large CRDs and ConfigMaps.

It runs a benchmark with an RGD of its own, which is the kind of run that asks for all CRDs, before
and after it creates the CRDs and ConfigMaps of a neighbour.

    python -m bench.neighbours                    # about 8 minutes; needs krobench on a test bed
    python -m bench.neighbours --crds 600         # the API server needs some 2 GiB for them
"""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from bench.environment import testbed
from krobench.api.common import API_GROUP, API_VERSION
from krobench.api.kinds import RunKind
from krobench.figures.catalogue import figure
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.config import load_client_config
from krobench.kube.errors import ApiError
from krobench.record.store import read_run_record
from krobench.report.tables import table

NAME = "neighbours"
_GROUP = "bulk.example.org"
_MOST_BYTES = 20_000_000
_PEAK = figure("krobench.load.residentMaxBytes")
_CONCURRENCY = 8
_TIMEOUT_SECONDS = 600.0
_RUNS = paths.group(API_GROUP, API_VERSION, RunKind.BENCHMARK.plural, "default")
_CRDS = paths.group("apiextensions.k8s.io", "v1", "customresourcedefinitions")
_NAMESPACES = paths.core("namespaces")
_RGD = {
    "spec": {
        "schema": {"kind": "AmongMany", "spec": {"owner": 'string | default="me"'}},
        "resources": [
            {
                "id": "settings",
                "template": {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": "${schema.metadata.name}"},
                    "data": {"owner": "${schema.spec.owner}"},
                },
            }
        ],
    }
}
_SPEC = {
    "defaults": {"iterations": 3, "warmup": 0, "timeout": "3m", "namespace": "default"},
    "tests": [{"name": "own", "workload": {"instances": 10, "rgd": {"inline": _RGD}}}],
}


def crd(number: int, fields: int) -> JsonObject:
    """Return a CRD of this many fields, as providers of infrastructure install them."""
    kind = f"Bulk{number:04d}"
    text = {"type": "string", "description": "One of many settings of a resource in a cloud."}
    spec = {"type": "object", "properties": {f"field{each:04d}": text for each in range(fields)}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.lower()}s.{_GROUP}"},
        "spec": {
            "group": _GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": f"{kind.lower()}s"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


@asynccontextmanager
async def neighbours(
    client: KubeClient, crds: Iterable[JsonObject], config_maps: Iterable[JsonObject]
) -> AsyncIterator[None]:
    """Create what others have, and delete it afterwards."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}}
    gate = asyncio.Semaphore(_CONCURRENCY)

    async def create(path: str, body: JsonObject) -> str:
        async with gate:
            try:
                await client.create(path, body)
            except ApiError as error:
                if not error.already_exists:
                    raise
        return f"{path}/{body['metadata']['name']}"

    async def delete(path: str) -> None:
        async with gate:
            await client.delete(path)

    created: list[str] = []
    try:
        await create(_NAMESPACES, namespace)
        created += await asyncio.gather(*(create(_CRDS, each) for each in crds))
        path = paths.core("configmaps", NAME)
        await asyncio.gather(*(create(path, each) for each in config_maps))
        yield
    finally:
        await asyncio.gather(*map(delete, created))
        await client.delete(f"{_NAMESPACES}/{NAME}")


async def peak_bytes(client: KubeClient, name: str) -> float:
    """Run the benchmark; return the peak memory of its load Job until its last iteration."""
    body = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": RunKind.BENCHMARK.value,
        "metadata": {"name": name, "namespace": "default"},
        "spec": _SPEC,
    }
    path = f"{_RUNS}/{name}"
    await client.delete(path)
    await client.create(_RUNS, body)
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        while True:
            status = (await client.get(path)).get("status", {})
            if status.get("completionTime"):
                break
            await asyncio.sleep(1)
    if status["phase"] != "Completed":
        raise RuntimeError(f"{name}: {status['message']}")
    results = paths.core("configmaps", "default", f"{name}-results")
    record = read_run_record(await client.get(results))
    await client.delete(path)
    peak = record.tests[0].iterations[-1].figures[_PEAK]
    assert peak is not None
    return peak


async def _bench(options: argparse.Namespace) -> float:
    data = {"text": "x" * options.bytes}
    config_maps = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"large-{number:03d}", "namespace": NAME},
            "data": data,
        }
        for number in range(options.config_maps)
    ]
    crds = [crd(number, options.fields) for number in range(options.crds)]
    async with KubeClient(load_client_config()) as client:
        alone = await peak_bytes(client, f"{NAME}-alone")
        async with neighbours(client, crds, config_maps):
            beside = await peak_bytes(client, f"{NAME}-beside")
    rows = [("alone", f"{alone / 1e6:.1f}"), ("beside them", f"{beside / 1e6:.1f}")]
    print(f"{options.crds} CRDs of {options.fields} fields, {options.config_maps} ConfigMaps")
    print(table(("load Job", "peak MB"), rows))
    return beside - alone


def main() -> None:
    """Measure, and print a table; exits with 1 if the load Job takes 20 MB more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--crds", type=int, default=100)
    parser.add_argument("--fields", type=int, default=1500)
    parser.add_argument("--config-maps", type=int, default=300)
    parser.add_argument("--bytes", type=int, default=600_000, help="of each ConfigMap")
    options = parser.parse_args()
    os.environ.setdefault("KUBECONFIG", testbed("kubeconfig"))
    raise SystemExit(asyncio.run(_bench(options)) > _MOST_BYTES)


if __name__ == "__main__":
    main()
