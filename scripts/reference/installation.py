"""The pages of the chart's values, from its ``values.yaml``, and of the operator's metrics."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from krobench.controller.metrics import OperatorMetrics, RunMetrics
from scripts.reference.markdown import ROOT, page, table, text

VALUES = ROOT / "helm" / "krobench" / "values.yaml"
_KEY = re.compile(r"( *)([A-Za-z]\w*):")


def values_page() -> str:
    """Every value of the chart, from the comments of its ``values.yaml``."""
    return page(
        "helm/krobench/values.yaml",
        "Chart values",
        "Values of krobench's Helm chart (`helm/krobench/`).",
        _values_table(),
    )


def chart_readme() -> str:
    """The page that registries of charts show, from the chart's metadata and values."""
    chart = yaml.safe_load(VALUES.with_name("Chart.yaml").read_text())
    name, version, home = chart["name"], chart["version"], chart["home"]
    docs = f"{home}/blob/main/docs"
    install = f"helm install {name} oci://ghcr.io/krobench/charts/{name} --version {version}"
    return page(
        "Chart.yaml and values.yaml",
        name,
        f"{chart['description']}.",
        f"Chart {version}, krobench {chart['appVersion']}, Kubernetes {chart['kubeVersion']}.",
        "## Install",
        f"```shell\n{install} --namespace krobench-system --create-namespace\n```",
        f"[How to install]({docs}/how-to/install.md) explains platforms and permissions; the "
        f"[tutorial]({docs}/tutorial/first-benchmark.md) runs a first benchmark.",
        "## Values",
        _values_table(),
    )


def _values_table() -> str:
    rows = [
        [f"`{path}`", f"`{json.dumps(default)}`", about] for path, default, about in chart_values()
    ]
    return table(["value", "default", "meaning"], rows)


def chart_values() -> Iterator[tuple[str, Any, str]]:
    """Path, default and description of each value that has one (``# -- …``)."""
    values = VALUES.read_text()
    defaults = yaml.safe_load(values)
    path: list[str] = []
    comment = ""
    for line in values.splitlines():
        words = line.strip()
        if words.startswith("# -- "):
            comment = words.removeprefix("# -- ")
        elif words.startswith("# ") and comment:
            comment += words.removeprefix("#")
        elif key := _KEY.match(line):
            path[len(key[1]) // 2 :] = [key[2]]
            if comment:
                default = defaults
                for name in path:
                    default = default[name]
                yield ".".join(path), default, comment
            comment = ""


def metrics_page() -> str:
    """Every metric that the operator exposes."""
    metrics = vars(OperatorMetrics(CollectorRegistry())).values()
    collectors = [metric for metric in metrics if isinstance(metric, MetricWrapperBase)]
    rows = [
        [
            f"`{metric.name}{'_total' if metric.type == 'counter' else ''}`",
            metric.type,
            ", ".join(f"`{label}`" for label in collector._labelnames),
            text(metric.documentation),
        ]
        for collector in collectors
        for metric in collector.describe()
    ]
    rows += [
        [
            f"`{family.name}`",
            family.type,
            ", ".join(f"`{label}`" for label in family._labelnames),
            text(family.documentation),
        ]
        for family in RunMetrics(list).collect()
    ]
    return page(
        "operator/krobench/controller/metrics.py",
        "Metrics",
        "The operator exposes these on port 8080 at `/metrics`. `serviceMonitor.enabled=true` of "
        "the [chart](values.md) has the Prometheus operator scrape them.",
        table(["metric", "type", "labels", "meaning"], rows),
    )
