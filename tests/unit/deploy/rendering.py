"""What the chart and the plain manifests install, as objects."""

import json
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.cli.generate import as_run
from krobench.program.sizes import plan_size, sizes_of
from krobench.workload.testplan import TestPlan, plan_tests

ROOT = Path(__file__).parents[3]
CHART = ROOT / "helm" / "krobench"
MANIFESTS = ROOT / "manifests"
EXAMPLES = sorted((MANIFESTS / "examples").glob("*.yaml"))
Manifest = dict[str, Any]
Key = tuple[str, str]
Render = Callable[..., dict[Key, Manifest]]
_LABELS_OF_HELM = {
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
}
_ANNOTATIONS_OF_HELM = {"helm.sh/resource-policy"}
ALL_GATES = (
    "flowControl.enabled=true",
    "kro.aggregation=true",
    "load.ballast=true",
    "load.cloud=true",
    "networkPolicy.enabled=true",
    "serviceMonitor.enabled=true",
    "variants.enabled=true",
)


def template(
    helm: str,
    *values: str,
    release: str = "krobench",
    values_file: Path | None = None,
    options: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    command = [helm, "template", release, str(CHART), "--namespace", "krobench-system"]
    # Without a cluster helm would think of the Kubernetes that it was compiled for.
    command += ["--kube-version", "1.30.0", *options]
    command += [word for value in values for word in ("--set", value)]
    command += ["--values", str(values_file)] if values_file is not None else []
    return _run(tuple(command))


@cache
def _run(command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run a command of which equal arguments mean equal files."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


def kustomize(kubectl: str, directory: Path) -> dict[Key, Manifest]:
    result = _run((kubectl, "kustomize", str(directory)))
    assert result.returncode == 0, result.stderr
    return by_key(result.stdout)


def by_key(text: str) -> dict[Key, Manifest]:
    documents = re.split(r"^---.*\n", text, flags=re.MULTILINE)
    manifests = [entry for entry in map(_parsed, documents) if entry]
    found = {(entry["kind"], entry["metadata"]["name"]): entry for entry in manifests}
    assert len(found) == len(manifests), "two objects have one name"
    return found


def _parsed(document: str) -> Any:
    return orjson.loads(_as_json(document))


@cache
def _as_json(document: str) -> bytes:
    """Parse a document, of which most are the same whatever the values: the CRDs are long."""
    return orjson.dumps(yaml.load(document, yaml.CSafeLoader))


def installed(manifests: dict[Key, Manifest]) -> dict[Key, Manifest]:
    """Leave out what only one way of installing can make."""
    return {
        key: normal(entry)
        for key, entry in manifests.items()
        if key[0] != "Namespace" and "helm.sh/hook" not in entry["metadata"].get("annotations", {})
    }


def normal(node: Any) -> Any:
    if isinstance(node, list):
        return [normal(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for name, value in node.items():
        if name in ("labels", "matchLabels") and isinstance(value, dict):
            result[name] = {k: v for k, v in value.items() if k not in _LABELS_OF_HELM}
        elif name == "annotations" and isinstance(value, dict):
            kept = {k: v for k, v in value.items() if k not in _ANNOTATIONS_OF_HELM}
            if kept:
                result[name] = kept
        elif name == "value" and isinstance(value, str) and value.startswith("{"):
            result[name] = json.loads(value)
        else:
            result[name] = normal(value)
    return result


def example_plans(path: Path) -> tuple[TestPlan, ...]:
    """Return the tests of an example; of a scale test, its smallest step."""
    example = as_run(yaml.safe_load(path.read_text()))
    assert example is not None
    if example["kind"] == "KroScaleTest":
        spec = KroScaleTestSpec.model_validate(example["spec"])
        return (plan_size(spec, 0, sizes_of(spec.sizes, spec.axis)[0]),)
    return plan_tests(KroBenchmarkSpec.model_validate(example["spec"]))
