"""Fields, figures and reasons in the documents exist in krobench."""

import re
from functools import cache
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from unit.docs.documents import ROOT, Code, codes
from unit.docs.fragments import chart_values

from krobench.analysis.names import known_names
from krobench.analysis.thresholds import names_in
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.results import Cause
from krobench.api.specs.scaletest import Axis, KroScaleTestSpec
from krobench.api.specs.suite import Test
from krobench.api.status import KroBenchmarkStatus, KroScaleTestStatus
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.scaling import ScaleRecord
from krobench.record.run import RunRecord
from krobench.record.test import TestSummary

_PATH = re.compile(r"[a-z]\w*(?:\[])?(?:\.[a-zA-Z]\w*(?:\[])?)+(?=$|=| ?[<>:=])")
_EXPRESSION = re.compile(r"[a-z][\w.]+ (?:[<>]=?|==) [\d.e]+")
_REASON = re.compile(r"[A-Z][a-z]+(?:[A-Z]\w*)+")
_FILES = re.compile(r".*\.(?:py|json|jsonl|toml|yaml)$")
_OF_OTHERS = {
    "cel.bind",  # of cel-go
    "debug.pprof.enabled",  # of kro's chart
    "load.bench.kro.run",  # an API group
    "metadata.creationTimestamp",  # of every object
    "metav1.Condition",  # of Kubernetes
    "rbac.mode",  # of kro's chart
    "runtime.gcBgMarkWorker",  # of Go
    "status.state",  # of kro's instances
    "values.enabled",  # of instances of the generator
}
_GROUPS = re.compile(r"`(usage\.\w+)`")
_FIGURE = re.compile(r"[a-z]+(?:[A-Z]\w*)+")
_MODELS = (KroBenchmarkSpec, KroScaleTestSpec, Test, RunRecord, ScaleRecord, TestSummary)
_OF_RESOURCES: dict[str, tuple[type[BaseModel], ...]] = {
    "spec": (KroBenchmarkSpec, KroScaleTestSpec),
    "status": (KroBenchmarkStatus, KroScaleTestStatus),
}


def _is_figure(code: Code) -> bool:
    """Whether it names a figure of the group in the heading above it."""
    is_first_cell = bool(code.columns) and code.column == 0 and code.text[0].islower()
    in_sentence = not code.columns and _FIGURE.fullmatch(code.text) is not None
    return bool(_GROUPS.search(code.heading)) and (is_first_cell or in_sentence)


def paths() -> list[Code]:
    return [
        code
        for code in codes()
        if _PATH.match(code.text)
        and not _FILES.match(code.text)
        and _PATH.findall(code.text)[0] not in _OF_OTHERS
        and not _is_figure(code)
        and code.columns[code.column : code.column + 1] != ("old field",)
    ]


@pytest.mark.parametrize("code", paths(), ids=str)
def test_a_named_field_exists(code: Code) -> None:
    path = _PATH.findall(code.text)[0].replace("[]", "").split(".")
    models = _OF_RESOURCES.get(path[0], _MODELS)
    parts = path[1:] if path[0] in _OF_RESOURCES else path
    in_chart = path[0] not in _OF_RESOURCES and _in_values(parts, chart_values())
    is_metric = any(f"{name}.".startswith(f"{'.'.join(path)}.") for name in known_names())
    assert in_chart or is_metric or any(_has(model, parts) for model in models)


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


@pytest.mark.parametrize("code", [code for code in codes() if _is_figure(code)], ids=str)
def test_a_figure_under_a_heading_of_figures_exists(code: Code) -> None:
    groups = _GROUPS.findall(code.heading)
    assert any(
        f".{code.text}." in f".{name}."
        for name in known_names()
        for group in (*groups, "usage.apiServer.gates")
        if name.startswith(f"{group}.")
    )


@pytest.mark.parametrize(
    "code",
    [code for code in codes() if _REASON.fullmatch(code.text)],
    ids=str,
)
def test_a_named_reason_or_kind_is_in_the_code(code: Code) -> None:
    assert code.text in _words_of_the_code()


def test_tables_of_causes_bottlenecks_and_axes_are_complete() -> None:
    named = {(code.place.partition(":")[0], code.text) for code in codes() if code.columns}
    for page, names in (
        ("docs/explanation/validity.md", Cause),
        ("docs/explanation/bottlenecks.md", BottleneckKind),
        ("docs/how-to/scale-tests.md", Axis),
    ):
        assert {(page, name.value) for name in names} <= named


@cache
def _words_of_the_code() -> frozenset[str]:
    sources = (ROOT / "operator/krobench").rglob("*.py")
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
