"""What pipelines use of krobench fits the command line, the metrics and the rights."""

from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner
from unit.deploy.rendering import MANIFESTS, Manifest
from unit.deploy.stories import STORIES, resource
from unit.deploy.test_roles import allows

from krobench.api.kinds import RunKind
from krobench.cli.main import app
from krobench.controller.metrics import RunMetrics
from krobench.controller.runs import parse_run
from krobench.loadjob.permissions import Permission

GATES = MANIFESTS / "gitops" / "gates"


def documents(name: str) -> list[Manifest]:
    return list(yaml.safe_load_all((GATES / name).read_text()))


def named(name: str, kind: str, which: str) -> Any:
    [found] = [
        each
        for each in documents(name)
        if each["kind"] == kind and each["metadata"]["name"] == which
    ]
    return found


def rules(namespace: str | None) -> list[Manifest]:
    return [
        rule
        for each in documents("runner.yaml")
        if each["kind"] in ("Role", "ClusterRole")
        and each["metadata"].get("namespace") == namespace
        for rule in each["rules"]
    ]


@pytest.mark.parametrize(
    ("namespace", "permission"),
    [
        ("benchmarks", Permission("create", "krobenchmarks", "bench.kro.run")),
        ("benchmarks", Permission("get", "kroscaletests", "bench.kro.run")),
        ("benchmarks", Permission("delete", "krobenchmarks", "bench.kro.run")),
        ("benchmarks", Permission("get", "configmaps")),
        (None, Permission("create", "resourcegraphdefinitions", "kro.run")),
        ("kro-system", Permission("list", "pods")),
        ("kro-system", Permission("get", "deployments", "apps")),
    ],
)
def test_a_runner_may_do_what_it_needs(namespace: str | None, permission: Permission) -> None:
    assert allows(rules(namespace), permission)


def test_a_runner_may_do_nothing_else() -> None:
    verbs = {
        (namespace, resource, verb)
        for namespace in ("benchmarks", None, "kro-system")
        for rule in rules(namespace)
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert len(verbs) == 10
    assert not [each for each in verbs if each[1] == "secrets" or "*" in each]


def arguments_of(name: str) -> list[list[str]]:
    """Return the command lines of krobench in the gates."""
    if name == "tekton-task.yaml":
        [task] = documents(name)
        defaults = {each["name"]: each["default"] for each in task["spec"]["params"]}
        [step] = task["spec"]["steps"]
        assert step["command"] == ["python3", "-m", "krobench"]
        lines = [
            _filled(argument, {f"$(params.{name})": value for name, value in defaults.items()})
            for argument in step["args"]
        ]
        return [lines]
    [metric] = named(name, "AnalysisTemplate", "krobench-run")["spec"]["metrics"]
    [container] = metric["provider"]["job"]["spec"]["template"]["spec"]["containers"]
    return [container["args"]]


def _filled(text: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


@pytest.mark.parametrize("name", ["tekton-task.yaml", "analysistemplates.yaml"])
def test_the_command_line_of_a_gate_is_one_of_krobench(name: str) -> None:
    for arguments in arguments_of(name):
        shown = CliRunner().invoke(app, [*arguments, "--help"])
        assert shown.exit_code == 0
        parsed = CliRunner().invoke(app, arguments)
        assert parsed.exit_code == 4, "there is no such file: 2 would be wrong usage"


@pytest.mark.parametrize("kind", RunKind)
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("passed", "Passed"),
        ("missed", "Failed"),
        ("invalid", "Invalid"),
        ("broken", "Error"),
        ("running", None),
    ],
)
def test_the_metric_that_gates_use_has_the_verdict(
    name: str, verdict: str | None, kind: RunKind
) -> None:
    metadata = {"creationTimestamp": "2026-01-01T00:00:00Z"}
    run = resource(STORIES[name], kind)
    run["metadata"] |= metadata
    registry = CollectorRegistry()
    registry.register(RunMetrics(lambda: [parse_run(kind, run).figures]))
    labels = {"kind": kind.value, "namespace": "default", "name": "bench"}
    for each in ("Passed", "Failed", "Invalid", "Error"):
        value = registry.get_sample_value("krobench_run_verdict", labels | {"verdict": each})
        assert value == (1.0 if each == verdict else None)
    [query] = [
        metric["provider"]["prometheus"]["query"]
        for metric in named("analysistemplates.yaml", "AnalysisTemplate", "krobench-verdict")[
            "spec"
        ]["metrics"]
    ]
    [rule] = documents("alerts.yaml")[0]["spec"]["groups"][0]["rules"]
    for text in (query, rule["expr"]):
        assert "krobench_run_verdict{" in text
