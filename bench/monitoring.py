"""Every query of the dashboards, every alert and every metric, asked of a real Prometheus.

Debian's Prometheus runs on this machine. It scrapes kro, krobench's operator, the API
server, etcd and the kubelet of the test bed, while benchmarks run. Each query of each panel has to
give data at some time, and each metric of the operator and of each alert has to exist. The answers
are kept, and are what the previews in the documents are drawn from (:mod:`bench.previews`).

    python -m bench.monitoring                    # needs a running test bed with krobench on it
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from prometheus_client import CollectorRegistry

from bench.environment import ROOT, kubectl, testbed
from krobench.analysis.comparison.blocks import FEWEST_BLOCKS
from krobench.analysis.comparison.rules import MIN_REPLICATES as FEWEST_VALUES
from krobench.controller.metrics import OperatorMetrics, RunMetrics
from scripts.dashboards.files import DASHBOARDS
from testbed import prometheus
from testbed.paths import Cache, default_cache_dir

PORT = 19092
INTERVAL = "2s"
RATE_INTERVAL = "20s"
POLL_SECONDS = 4.0
STEP = "2s"
MOST_SECONDS = 420.0
_RUNS = 5
ANSWERS = ROOT / "build" / "monitoring.json"
RULES = ROOT / "helm" / "krobench" / "files" / "rules.yaml"
_VARIABLE = re.compile(r'=~"\$(cluster|namespace|history)"')
_METRIC = re.compile(r"\b(?:krobench|dynamic_controller)_\w+")


def _benchmark(
    name: str, scenario: str = "web-app", iterations: int = 1, **spec: Any
) -> dict[str, Any]:
    workload = {"scenario": scenario, "instances": 3}
    return _resource(
        "KroBenchmark",
        name,
        defaults={"iterations": iterations, "warmup": 0},
        tests=[{"name": "web", "workload": workload}],
        **spec,
    )


def _resource(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def _manifests() -> list[dict[str, Any]]:
    """Two runs to compare, a limit that does not depend on how fast the machine is, variants of
    kro, and a schedule with its first run; enough iterations of each for intervals.

    Variants come last: kro is another pod then, at an address that is not scraped.
    """
    baseline = {"configMapRef": {"name": "monitoring-a-results"}}
    limit = _resource(
        "KroScaleTest",
        "monitoring-limit",
        axis="instances",
        sizes={"values": [2, 4]},
        search={"resolution": "60%"},
        slo=["kro.requests.total < 50.0"],
        workload={"scenario": "single"},
        iterations=1,
    )
    template = {"spec": _benchmark("")["spec"]}
    yearly = _resource(
        "KroBenchmarkSchedule",
        "monitoring-yearly",
        schedule="0 0 1 1 *",
        runOnce="first",
        benchmarkTemplate=template,
    )
    variants = [
        {"name": "as-it-is"},
        {"name": "four-workers", "args": ["--dynamic-controller-concurrent-reconciles=4"]},
    ]
    return [
        yearly,
        _benchmark("monitoring-a", iterations=FEWEST_VALUES),
        _benchmark("monitoring-b", iterations=FEWEST_VALUES, baseline=baseline),
        limit,
        _benchmark("monitoring-variants", "single", iterations=FEWEST_BLOCKS, variants=variants),
    ]


NOT_HERE = {"etcd_disk_wal_fsync_duration_seconds": "the test bed's etcd does not sync its log"}


@dataclass(frozen=True)
class Series:
    """What a query answered for one set of labels."""

    labels: dict[str, str]
    points: list[tuple[float, float]]
    """Times in seconds since 1970, and values."""


@dataclass
class Asked:
    """A query, and what it answered."""

    where: str
    expression: str
    answers: list[Series] = field(default_factory=list)
    example: str = ""

    @property
    def series(self) -> int:
        return len(self.answers)

    @property
    def excuse(self) -> str | None:
        """Why it has no data on the test bed; None if it must have."""
        return next((why for name, why in NOT_HERE.items() if name in self.expression), None)

    def take(self, result: list[dict[str, Any]]) -> None:
        for each in result:
            points = [(at, float(value)) for at, value in each["values"] if value != "NaN"]
            if points:
                shown = {name: v for name, v in each["metric"].items() if name != "__name__"}
                self.answers.append(Series(shown, points))
                highest = max(value for _, value in points)
                self.example = f"{highest:.4g} at most {shown or ''}".strip()


@dataclass
class Prometheus:
    """The running server."""

    http: httpx.Client = field(
        default_factory=lambda: httpx.Client(base_url=f"http://127.0.0.1:{PORT}", trust_env=False)
    )

    def ask(self, asked: Asked, start: float, end: float) -> None:
        """Ask a query over a time, as a panel does."""
        expression = _VARIABLE.sub('=~".*"', asked.expression)
        query = expression.replace("$__rate_interval", RATE_INTERVAL)
        params: dict[str, str | float] = {"query": query, "start": start, "end": end, "step": STEP}
        answer = self.http.get("/api/v1/query_range", params=params).json()
        if answer["status"] != "success":
            raise SystemExit(f"{asked.where}: {answer['error']}\n{query}")
        asked.take(answer["data"]["result"])

    def get(self, path: str) -> Any:
        return self.http.get(f"/api/v1/{path}").json()["data"]

    def is_ready(self) -> bool:
        try:
            return self.http.get("/-/ready").is_success
        except httpx.HTTPError:
            return False


def configuration(directory: Path, kubeconfig: Path) -> dict[str, Any]:
    """Return what Prometheus scrapes, with the labels that the Prometheus operator gives."""
    config = yaml.safe_load(kubeconfig.read_text())
    user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
    files = {
        "ca_file": cluster["certificate-authority-data"],
        "cert_file": user["client-certificate-data"],
        "key_file": user["client-key-data"],
    }
    for name, data in files.items():
        (directory / name).write_bytes(base64.b64decode(data))
    tls = {name: str(directory / name) for name in files}

    secure = {"scheme": "https", "tls_config": tls}
    kro = _pods("kro-system", "app.kubernetes.io/name=kro", "metricsport")
    operator = _pods("krobench-system", "app.kubernetes.io/component=operator", "metrics")
    return {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            _job("kro", kro),
            _job("krobench", operator, honor_labels=True),
            _job("etcd", _endpoints("kube-system", "kube-etcd")),
            _job("apiserver", _endpoints("default", "kubernetes"), **secure)
            | {"scrape_interval": "10s"},
            _job("kubelet", _kubelets(), metrics_path="/metrics/cadvisor", **secure),
        ],
    }


Target = tuple[str, dict[str, str]]
"""Address and labels."""


def _job(name: str, targets: list[Target], **more: Any) -> dict[str, Any]:
    """Debian's Prometheus finds nothing in Kubernetes by itself, so it gets the addresses."""
    static = [
        {"targets": [address], "labels": {"cluster": "testbed", **labels}}
        for address, labels in targets
    ]
    return {"job_name": name, "static_configs": static, **more}


def _items(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(kubectl("get", *arguments, "--output=json"))["items"]
    return found


def _pods(namespace: str, selector: str, port_name: str) -> list[Target]:
    return [
        (
            f"{pod['status']['podIP']}:{port['containerPort']}",
            {"namespace": namespace, "pod": pod["metadata"]["name"]},
        )
        for pod in _items("pods", f"--namespace={namespace}", f"--selector={selector}")
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or []
        if port.get("name") == port_name
    ]


def _endpoints(namespace: str, service: str) -> list[Target]:
    selector = f"--selector=kubernetes.io/service-name={service}"
    return [
        (f"{address}:{port['port']}", {"namespace": namespace})
        for item in _items("endpointslices", f"--namespace={namespace}", selector)
        for endpoint in item["endpoints"]
        for address in endpoint["addresses"]
        for port in item["ports"]
    ]


def _kubelets() -> list[Target]:
    return [
        (f"{address['address']}:{node['status']['daemonEndpoints']['kubeletEndpoint']['Port']}", {})
        for node in _items("nodes")
        for address in node["status"]["addresses"]
        if address["type"] == "InternalIP"
    ]


@contextmanager
def running(directory: Path) -> Iterator[Prometheus]:
    """Run Prometheus until the block ends."""
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration(directory, Path(os.environ["KUBECONFIG"]))))
    program = prometheus.programs(Cache(default_cache_dir())) / "prometheus"
    command = [
        str(program),
        f"--config.file={file}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{PORT}",
        "--log.level=warn",
    ]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    server = Prometheus()
    try:
        deadline = time.monotonic() + 30
        while not server.is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"Prometheus does not start:\n{(directory / 'log').read_text()}")
            time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait()


def _wanted() -> list[Asked]:
    queries = [
        Asked(f"{dashboard.title} | {where}", expression)
        for dashboard in DASHBOARDS
        for where, expression in dashboard.queries
    ]
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    alerts = [
        Asked(f"alert {rule['alert']} | {name}", name)
        for rule in rules
        for name in dict.fromkeys(_METRIC.findall(rule["expr"]))
    ]
    return [*queries, *alerts, *(Asked(f"metric | {name}", name) for name in _metrics())]


def _metrics() -> Iterator[str]:
    """Yield the names of all that the operator exposes of runs and of itself."""
    registry = CollectorRegistry()
    OperatorMetrics(registry)
    for family in (*RunMetrics(list).collect(), *registry.collect()):
        if family.name.startswith("krobench_"):
            ends = {"counter": "_total", "histogram": "_count"}
            yield family.name + ends.get(family.type, "")


def _ended() -> bool:
    runs = _items("krobenchmarks,kroscaletests", "--namespace=default")
    phases = {
        each["metadata"]["name"]: each.get("status", {}).get("phase")
        for each in runs
        if each["metadata"]["name"].startswith("monitoring-")
    }
    return len(phases) == _RUNS and all(each in ("Completed", "Failed") for each in phases.values())


def main() -> None:
    """Run it, print a table of queries and answers, and fail if one has no answer."""
    os.environ["KUBECONFIG"] = testbed("kubeconfig")
    manifests = _manifests()
    asked = _wanted()
    with tempfile.TemporaryDirectory() as scratch, running(Path(scratch)) as server:
        try:
            kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(manifests))
            start = time.time()
            while not _ended() and time.time() < start + MOST_SECONDS:
                time.sleep(POLL_SECONDS)
            time.sleep(2 * POLL_SECONDS)  # for the last scrape
            for each in asked:
                server.ask(each, start, time.time())
            targets = server.get("targets?state=active")["activeTargets"]
            groups = server.get("rules")["groups"]
        finally:
            names = [f"{each['kind']}/{each['metadata']['name']}" for each in manifests]
            kubectl("delete", *names, "--ignore-not-found", "--timeout=2m")
    _keep(asked)
    _show(asked, targets, groups)
    unhealthy = [rule for group in groups for rule in group["rules"] if rule["health"] != "ok"]
    if unhealthy or any(not each.series and not each.excuse for each in asked):
        sys.exit("some queries have no answer, or some rules cannot be evaluated")


def _keep(asked: list[Asked]) -> None:
    """Store what each query of a dashboard answered."""
    answers = {each.expression: [asdict(series) for series in each.answers] for each in asked}
    ANSWERS.parent.mkdir(exist_ok=True)
    ANSWERS.write_text(json.dumps(answers))


def kept() -> dict[str, list[Series]]:
    """Return the answers of the last time, by the expression."""
    stored = json.loads(ANSWERS.read_text())
    return {
        expression: [Series(**series) for series in answers]
        for expression, answers in stored.items()
    }


def _show(asked: list[Asked], targets: list[Any], groups: list[Any]) -> None:
    for target in targets:
        print(f"{target['labels']['job']} {target['scrapeUrl']}: {target['health']}")
    for group in groups:
        for rule in group["rules"]:
            print(f"alert {rule['name']}: {rule['health']}, {rule['state']}")
    print("\n| asked by | for | query | series | example |\n|---|---|---|---|---|")
    for each in asked:
        found, why = each.series or "NONE", each.example or each.excuse or ""
        query = each.expression.replace("|", r"\|")
        print(f"| {each.where} | `{query}` | {found} | {why} |")
    answered = sum(bool(each.series) for each in asked)
    print(f"\n{answered} of {len(asked)} queries have data")


if __name__ == "__main__":
    main()
