"""Fields, figures and reasons in the documents exist in krobench."""

import re
from functools import cache
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from unit.docs.documents import ROOT, Code, codes
from unit.docs.fragments import chart_values

from krobench.analysis.figurenames import known_names
from krobench.analysis.thresholds import names_in
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.scaletest import Axis, KroScaleTestSpec
from krobench.api.specs.schedule import KroBenchmarkScheduleSpec
from krobench.api.specs.suite import Test
from krobench.api.specs.validity import Cause
from krobench.api.status import (
    KroBenchmarkScheduleStatus,
    KroBenchmarkStatus,
    KroScaleTestStatus,
)
from krobench.figures.catalogue import PARTS
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.scaling import ScaleRecord
from krobench.record.run import RunRecord
from krobench.record.test import TestSummary

_PATH = re.compile(r"[a-z]\w*(?:\[])?(?:\.[a-zA-Z]\w*(?:\[])?)+(?=$|=| ?[<>:=])")
_IN_TEMPLATE = re.compile(r"^spec\.(?:benchmark|scaleTest)Template\.spec\.")
_EXPRESSION = re.compile(r"[a-z][\w.]+ (?:[<>]=?|==) [\d.e]+")
_REASON = re.compile(r"[A-Z][a-z]+(?:[A-Z]\w*)+")
_FILES = re.compile(r".*\.(?:py|json|jsonl|toml|yaml|md|html|xml|sh|csv|om|parquet)$")
_OF_OTHERS = {
    "cel.bind",  # of cel-go
    "debug.pprof.enabled",  # of kro's chart
    "kro.run",  # an API group, as the next
    "load.bench.kro.run",
    "metadata.creationTimestamp",  # of every object
    "metav1.Condition",  # of Kubernetes
    "rbac.mode",  # of kro's chart
    "resourcegraphdefinitions.kro.run",  # a resource and its group
    "run.kro.bench.run.finished",  # a type of events
    "runtime.gcBgMarkWorker",  # of Go
    "status.state",  # of kro's instances
    "values.enabled",  # of instances of the generator
}
_REASONS_OF_OTHERS = {"InProgress"}  # of kstatus
_MODELS = (KroBenchmarkSpec, KroScaleTestSpec, Test, RunRecord, ScaleRecord, TestSummary)
_OF_RESOURCES: dict[str, tuple[type[BaseModel], ...]] = {
    "spec": (KroBenchmarkSpec, KroScaleTestSpec, KroBenchmarkScheduleSpec),
    "status": (KroBenchmarkStatus, KroScaleTestStatus, KroBenchmarkScheduleStatus),
}


def paths() -> list[Code]:
    return [
        code
        for code in codes()
        if _PATH.match(code.text)
        and not _FILES.match(code.text)
        and _PATH.findall(code.text)[0] not in _OF_OTHERS
        and "NAME" not in code.text  # a placeholder
        and code.columns[code.column : code.column + 1] not in (("old field",), ("old name",))
    ]


def test_each_named_field_exists() -> None:
    names = frozenset((*known_names(), *(parts.name for parts in PARTS)))
    assert [str(code) for code in paths() if not _exists(_PATH.findall(code.text)[0], names)] == []


@cache
def _exists(field: str, figures: frozenset[str]) -> bool:
    name = field.replace("[]", "")
    path = _IN_TEMPLATE.sub("spec.", name).split(".")
    models = _OF_RESOURCES.get(path[0], _MODELS)
    parts = path[1:] if path[0] in _OF_RESOURCES else path
    in_chart = path[0] not in _OF_RESOURCES and _in_values(parts, chart_values())
    is_metric = any(f"{figure}.".startswith(f"{'.'.join(path)}.") for figure in figures)
    return in_chart or is_metric or any(_has(model, parts) for model in models)


@pytest.mark.parametrize(
    "code", [code for code in codes() if _EXPRESSION.fullmatch(code.text)], ids=str
)
def test_a_documented_threshold_uses_existing_figures(code: Code) -> None:
    assert set(names_in(code.text)) <= set(known_names())


@pytest.mark.parametrize(
    "code",
    [code for code in codes() if any("thresholds call it" in name for name in code.columns)],
    ids=str,
)
def test_the_table_of_operations_names_existing_latencies(code: Code) -> None:
    if "thresholds call it" in code.columns[code.column] and code.text != "Ready":
        assert f"latency.{code.text}.p50" in known_names()


def test_each_named_reason_or_kind_is_in_the_code() -> None:
    known = _words_of_the_code() | _REASONS_OF_OTHERS
    named = [code for code in codes() if _REASON.fullmatch(code.text)]
    assert [str(code) for code in named if code.text not in known] == []


def test_tables_of_causes_bottlenecks_and_axes_are_complete() -> None:
    named = {(code.place.partition(":")[0], code.text) for code in codes() if code.columns}
    for page, names in (
        ("docs/explanation/validity.md", Cause),
        ("docs/explanation/bottlenecks.md", BottleneckKind),
        ("docs/how-to/scale-tests.md", Axis),
    ):
        assert {(page, name.value) for name in names} <= named


def _words_of_the_code() -> frozenset[str]:
    alerts = ROOT / "helm/krobench/files/rules.yaml"
    sources = [*(ROOT / "operator/krobench").rglob("*.py"), alerts]
    return frozenset(word for path in sources for word in re.findall(r"\w+", path.read_text()))


def _in_values(path: list[str], values: Any) -> bool:
    if not path:
        return True
    return isinstance(values, dict) and path[0] in values and _in_values(path[1:], values[path[0]])


def _has(annotation: Any, path: list[str]) -> bool:
    """Whether a path of names leads to a field of a model or of the models in it."""
    if not path:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return any(
            _has(field.annotation, path[1:])
            for name, field in fields
            if (field.alias or name) == path[0]
        )
    if get_origin(annotation) is dict:
        return _has(get_args(annotation)[1], path[1:])
    return any(_has(each, path) for each in get_args(annotation))
