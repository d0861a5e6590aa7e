"""What the chart ships for an existing Prometheus and Grafana."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from promtool import promtool
from unit.deploy.rendering import Render

from krobench.controller.metrics import OperatorMetrics, RunMetrics
from scripts.dashboards import files
from scripts.dashboards.model import Dashboard, Kind

HERE = Path(__file__).parent
RULES = HERE.parents[2] / "helm" / "krobench" / "files" / "rules.yaml"
ALL = {each.title: each for each in files.DASHBOARDS}


def test_rules_are_valid_and_fire_when_they_should() -> None:
    assert promtool("check", "rules", RULES) == ""
    assert promtool("test", "rules", HERE / "rules.test.yaml") == ""


def test_monitoring_is_off_by_default(render: Render) -> None:
    kinds = {manifest["kind"] for manifest in render().values()}
    assert not kinds & {"PrometheusRule", "ServiceMonitor", "Service"}
    assert not any("dashboard" in manifest["metadata"]["name"] for manifest in render().values())


def test_rules_and_dashboards_are_created_if_asked_for(render: Render, tmp_path: Path) -> None:
    made = render(
        "prometheusRule.enabled=true",
        "prometheusRule.labels.release=prometheus",
        "dashboards.enabled=true",
        "dashboards.namespace=monitoring",
        "dashboards.annotations.grafana_folder=kro",
    ).values()
    [rule] = [each for each in made if each["kind"] == "PrometheusRule"]
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    checked = tmp_path / "rules.yaml"
    checked.write_text(json.dumps(rule["spec"]))
    assert promtool("check", "rules", checked) == ""
    shipped = [each for each in made if "grafana_dashboard" in each["metadata"].get("labels", {})]
    assert len(shipped) == len(files.DASHBOARDS)
    for config_map in shipped:
        assert config_map["metadata"]["namespace"] == "monitoring"
        assert config_map["metadata"]["annotations"] == {"grafana_folder": "kro"}
        [(name, text)] = config_map["data"].items()
        assert json.loads(text) == json.loads((files.DIRECTORY / name).read_text())


def test_the_files_are_those_that_the_code_describes() -> None:
    expected = files.files()
    assert {path: path.read_text() for path in files.DIRECTORY.glob("*.json")} == expected, (
        "run `make dashboards`"
    )


def test_dashboards_can_be_told_apart() -> None:
    assert len({each.uid for each in files.DASHBOARDS}) == len(ALL) == len(files.DASHBOARDS)


def panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    return [panel for panel in dashboard.json()["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("dashboard", ALL.values(), ids=ALL)
def test_panels_explain_themselves_and_do_not_overlap(dashboard: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard.json()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
    for panel in panels(dashboard):
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"
    titles = [(row.title, panel.title) for row in dashboard.rows for panel in row.panels]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("dashboard", ALL.values(), ids=ALL)
def test_queries_depend_on_variables_and_on_nothing_of_one_cluster(dashboard: Dashboard) -> None:
    declared = {"datasource", *(each.name for each in dashboard.variables)}
    own = {family.name for family in RunMetrics(list).collect()}
    own |= {family.name for family in _of_operator()}
    for title, expression in dashboard.queries:
        used = set(re.findall(r"\$(\w+)", expression)) - {"__rate_interval"}
        assert used <= declared, title
        assert not re.search(r"\[\d", expression), f"{title}: a fixed interval"
        assert "kro-system" not in expression, title
        assert set(re.findall(r"\bkrobench_\w+", expression)) <= own, title


def test_a_moment_in_which_pods_differ_leaves_no_panel_without_data(tmp_path: Path) -> None:
    """Two series of a run where one is joined would be an error, of a whole panel of 30 days."""
    run = 'kind="KroBenchmark", namespace="a", name="n"'
    compared = f'{run}, test="t", metric="m"'
    series = {
        f'{name}{{cluster="c", {labels}, pod="{pod}"}}'
        for name, of_pods in {
            "krobench_run_info": (
                f'{run}, history="n", kro_version="0.9.3"',
                f'{run}, history="n", kro_version="0.9.4"',
            ),
            "krobench_run_latest": (f'{run}, history="n"', f'{run}, history="nightly"'),
            "krobench_run_verdict": (f'{run}, verdict="Passed"',) * 2,
            "krobench_test_instances_per_second": (f'{run}, test="t"',) * 2,
            "krobench_comparison_verdict": (
                f'{run}, verdict="Inconclusive"',
                f'{run}, verdict="Worse"',
            ),
            "krobench_comparison_ratio": (compared,) * 2,
            "krobench_comparison_ratio_upper_bound": (compared,) * 2,
        }.items()
        for pod, labels in zip("xy", of_pods, strict=True)
    }
    exposed = {each.partition("{")[0] for each in series}
    asked = [
        re.sub(r'=~"\$\w+"', '=~".*"', expression)
        for title, expression in ALL["krobench: trends"].queries
        if set(re.findall(r"\bkrobench_\w+", expression)) <= exposed
    ]
    assert len(asked) == 6
    answers = [
        {
            "expr": f"clamp_max(count({each}), 1)",
            "eval_time": "5m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for each in asked
    ]
    given = [{"series": each, "values": "1x20"} for each in sorted(series)]
    file = tmp_path / "panels.test.yaml"
    file.write_text(json.dumps({"tests": [{"input_series": given, "promql_expr_test": answers}]}))
    assert promtool("test", "rules", file) == ""


def _of_operator() -> list[Any]:
    registry = CollectorRegistry()
    OperatorMetrics(registry)
    return list(registry.collect())


def test_a_table_shows_columns_that_its_queries_have() -> None:
    tables = [
        panel
        for dashboard in files.DASHBOARDS
        for row in dashboard.rows
        for panel in row.panels
        if panel.kind is Kind.TABLE
    ]
    for panel in tables:
        for name, _, _ in panel.columns:
            if name.startswith("Value #"):
                assert ord(name[-1]) - ord("A") < len(panel.queries), panel.title
            else:
                assert any(name in query.expression for query in panel.queries), panel.title


def test_grafanas_own_types_accept_the_dashboards() -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed")
    command = [go, "run", ".", *map(str, files.files())]
    done = subprocess.run(
        command, cwd=HERE / "grafana", capture_output=True, text=True, check=False
    )
    if "dial tcp" in done.stderr:
        pytest.skip("the Go module proxy is out of reach")
    assert done.returncode == 0, done.stdout + done.stderr
