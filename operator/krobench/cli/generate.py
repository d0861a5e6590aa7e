"""``krobench generate``: the objects that a spec would create, as YAML."""

import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from krobench.api import units
from krobench.api.kinds import KINDS, TEMPLATES, RunKind, RunRef, ScheduleKind
from krobench.api.refusal import refusals
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.yaml import dump
from krobench.cli.errors import CliError
from krobench.cli.files import read_documents
from krobench.program.sizes import plan_size, usable_sizes
from krobench.report.words.scaling import stop_line
from krobench.workload.blueprint import Manifest, WorkloadError
from krobench.workload.cloud import cloud_crd, cloud_kind
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.source import with_rgd_inline, with_rgds_inline
from krobench.workload.testplan import TestPlan, plan_tests

# Names of objects contain the UID, which an API server assigns when a resource is applied.
_UID = "00000000-0000-0000-0000-000000000000"


def generate(path: Path, test_name: str | None) -> str:
    """Return the objects of the first iteration of each test in a file, as YAML.

    It has only the first instance of each kind, after a comment with the number of instances. RGDs
    in ConfigMaps are read from the same file. For a scale test, returns the objects of the smallest
    size, or of the size that ``test_name`` names, such as ``instances-200``.

    Raises:
        CliError: if the file has no such test, or its spec is invalid.
    """
    documents = [each for each in read_documents(path) if isinstance(each, dict)]
    runs = [run for item in documents if (run := as_run(item)) is not None]
    if not runs:
        raise CliError(f"{path} has no {' or '.join(KINDS)}")
    parts: list[str] = []
    for run in runs:
        parts += _run(run, documents, test_name)
    if not parts:
        raise CliError(f"{path} has no test named {test_name}")
    return "".join(parts)


def as_run(manifest: Manifest) -> Manifest | None:
    """Return a run, or one as a schedule creates it; None if the manifest is neither."""
    if manifest.get("kind") in list(RunKind):
        return manifest
    if manifest.get("kind") in list(ScheduleKind):
        for field, kind in TEMPLATES.items():
            template = (manifest.get("spec") or {}).get(field)
            if isinstance(template, dict):
                return manifest | {"kind": kind.value, "spec": template.get("spec")}
    return None


def _run(run: Manifest, documents: list[Manifest], test_name: str | None) -> Iterator[str]:
    metadata = run.get("metadata") or {}
    name, namespace = str(metadata.get("name", "")), metadata.get("namespace", "default")
    config_maps = {
        about["name"]: each
        for each in documents
        if each.get("kind") == "ConfigMap"
        and "name" in (about := each.get("metadata") or {})
        and about.get("namespace", "default") == namespace
    }
    try:
        spec = RunKind(run["kind"]).spec.model_validate(run.get("spec"))
        if isinstance(spec, KroBenchmarkSpec):
            tests = _benchmark_tests(spec, config_maps, namespace)
        else:
            tests = _sizes(spec, config_maps, namespace, test_name)
        seen: set[str] = set()
        for heading, test in tests:
            if test_name in (None, test.name):
                plan = plan_iteration(RunRef(RunKind(run["kind"]), namespace, name, _UID), test, 0)
                yield heading
                yield from _objects(plan, seen)
    except ValidationError as error:
        raise CliError(f"{name}: {refusals(error)[0]}") from error
    except WorkloadError as error:
        raise CliError(f"{name}: spec.{error}") from error


def _benchmark_tests(
    spec: KroBenchmarkSpec, config_maps: dict[str, Manifest], namespace: str
) -> Iterator[tuple[str, TestPlan]]:
    spec = with_rgds_inline(spec, config_maps, namespace)
    spec = spec.model_copy(update={"variants": []})  # they change kro, not the workload
    for test in plan_tests(spec):
        yield (
            (
                f"# test {test.name} ({test.workload_name}): the first of {test.total_iterations} "
                f"iterations, {test.warmup} of them warm-up\n"
            ),
            test,
        )


def _sizes(
    spec: KroScaleTestSpec,
    config_maps: dict[str, Manifest],
    namespace: str,
    test_name: str | None,
) -> Iterator[tuple[str, TestPlan]]:
    """Yield the smallest size, or the one with this name, with a heading that lists all sizes."""
    workload = with_rgd_inline(spec.workload, config_maps, namespace, "workload")
    spec = spec.model_copy(update={"workload": workload})
    sizes = usable_sizes(spec, sys.maxsize)
    text = ", ".join(f"{size:.12g}" for size in sizes.usable)
    for index, size in enumerate(sizes.usable):
        plan = plan_size(spec, index, size)
        if test_name in (None, plan.name):
            yield (
                (
                    f"# size {plan.name} ({plan.workload_name}) of {text}"
                    f"{f'; {stop_line(sizes.left_out)}' if sizes.left_out else ''}\n"
                ),
                plan,
            )
            return


def _objects(plan: IterationPlan, seen: set[str]) -> Iterator[str]:
    if plan.namespace not in seen:
        seen.add(plan.namespace)
        namespace = {"name": plan.namespace}
        yield _document({"apiVersion": "v1", "kind": "Namespace", "metadata": namespace})
    if plan.test.ballast.crds:
        yield f"# beside {units.counted(plan.test.ballast.crds, 'CRD')} as ballast\n"
    if plan.test.cloud is not None:
        yield _document(cloud_crd(cloud_kind(plan.run.short_id), {}))
    shown: set[str] = set()
    for each in plan.test.prerequisites:
        if each.field not in shown:
            shown.add(each.field)
            yield _document(each.manifest, f"# {each.field}\n")
    for stage in plan.stages:
        for rgd in stage:
            yield _document(rgd.manifest)
    for rgd in plan.stages[-1]:
        count = len(rgd.instances)
        yield _document(rgd.instances[0], f"# the first of {count} instances of {rgd.kind}\n")


def _document(manifest: Manifest, comment: str = "") -> str:
    return f"---\n{comment}{dump(manifest)}"
