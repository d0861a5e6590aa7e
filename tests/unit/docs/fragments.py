"""The YAML in the documents, completed to whole manifests.

A document shows only the lines that matter. They are completed here, so that the tests can parse
them as the operator parses a spec.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from pydantic import BaseModel
from unit.docs.documents import ROOT, Block, blocks, codes

from krobench.analysis import krosettings
from krobench.api.kinds import KINDS, Kind, RunKind, ScheduleKind
from krobench.api.specs.suite import Test

Manifest = dict[str, Any]

_BASE_TEST: Manifest = {"name": "shown", "workload": {"scenario": "single", "instances": 100}}
_ABOUT_SCALE_TESTS = frozenset({"docs/how-to/scale-tests.md"})
_ABOUT_SCHEDULES = frozenset({"docs/how-to/schedules.md"})
_BASES: Mapping[Kind, Manifest] = {
    RunKind.BENCHMARK: {},
    RunKind.SCALE_TEST: {
        "axis": "instances",
        "sizes": {"from": 100, "to": 200},
        "slo": ["latency.instanceReady.p99 < 5.0"],
        "workload": {"scenario": "single"},
    },
    ScheduleKind.SCHEDULE: {
        "schedule": "0 3 * * *",
        "benchmarkTemplate": {"spec": {"tests": [_BASE_TEST]}},
    },
}


class UnknownFragmentError(Exception):
    """The block fits no known spec; the message is its first line."""


@dataclass(frozen=True)
class Shown:
    """YAML that a document shows."""

    block: Block
    content: Any

    def __str__(self) -> str:
        return str(self.block)

    @property
    def is_manifest(self) -> bool:
        """Whether it is whole."""
        return isinstance(self.content, dict) and self.content.get("kind") in set(KINDS)

    @property
    def is_of_chart(self) -> bool:
        """Whether it consists of values of krobench's chart."""
        return isinstance(self.content, dict) and _is_part_of(self.content, chart_values())

    @property
    def is_of_kros_chart(self) -> bool:
        """Whether it consists of values of kro's chart that krobench may recommend."""
        known = {krosettings.EXTRA_ENV} | {
            each.helm_value
            for each in vars(krosettings).values()
            if isinstance(each, krosettings.Flag)
        }
        return isinstance(self.content, dict) and set(_leaves(self.content)) <= known

    @property
    def manifest(self) -> Manifest:
        """The whole manifest, completed if only a part is shown."""
        if self.is_manifest:
            return dict(self.content)
        kind: Kind = RunKind.BENCHMARK
        if self.block.page in _ABOUT_SCALE_TESTS:
            kind = RunKind.SCALE_TEST
        elif self.block.page in _ABOUT_SCHEDULES:
            kind = ScheduleKind.SCHEDULE
        return {
            "apiVersion": "bench.kro.run/v1alpha1",
            "kind": kind.value,
            "metadata": {"name": "shown", "namespace": "default"},
            "spec": _BASES[kind] | self._spec(kind.spec),
        }

    def _spec(self, model: type[BaseModel]) -> Manifest:
        match self.content:
            case {"spec": dict() as spec} if len(self.content) == 1:
                return self._with_tests(spec, model)
            case dict() as part if _has_fields(part, model):
                return self._with_tests(part, model)
            case dict() as part if _has_fields(part, Test):
                return {"tests": [_BASE_TEST | part]}
            case [*tests] if tests and all(_has_fields(test, Test) for test in tests):
                return {"tests": tests}
        raise UnknownFragmentError(self.block.text.splitlines()[0])

    def _with_tests(self, spec: Manifest, model: type[BaseModel]) -> Manifest:
        needs_tests = "tests" in _fields(model) and "tests" not in spec
        return spec | {"tests": [_BASE_TEST]} if needs_tests else spec


def shown() -> list[Shown]:
    """All YAML of the documents: blocks, and maps in inline code."""
    in_sentences = [
        Block(code.place, "yaml", code.text)
        for code in codes()
        if code.text.partition(": {")[0].isalpha() and code.text.endswith("}")
    ]
    return [Shown(block, yaml.safe_load(block.text)) for block in blocks("yaml") + in_sentences]


def shown_manifests() -> list[Shown]:
    """The YAML that is a custom resource of krobench, or a part of one."""
    return [each for each in shown() if not each.is_of_chart and not each.is_of_kros_chart]


@cache
def chart_values() -> Manifest:
    values: Manifest = yaml.safe_load((ROOT / "helm/krobench/values.yaml").read_text())
    return values


def own_rgds() -> Manifest:
    """The ConfigMap with an RGD that the documents refer to."""
    example = yaml.safe_load((ROOT / "manifests/examples/own-rgd.yaml").read_text())
    rgd = example["spec"]["tests"][0]["workload"]["rgd"]["inline"]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "rgds", "namespace": "default"},
        "data": {"team.yaml": yaml.safe_dump(rgd), **_several_rgds()},
    }


def _several_rgds() -> dict[str, str]:
    """An RGD, and one that uses its kind, as they are in keys of a ConfigMap."""

    def rgd(kind: str, child: Manifest) -> str:
        child = child | {"metadata": {"name": "${schema.metadata.name}"}}
        schema = {"apiVersion": "v1alpha1", "kind": kind, "spec": {"size": "integer | default=1"}}
        resources = [{"id": "child", "template": child}]
        return yaml.safe_dump(
            {
                "apiVersion": "kro.run/v1alpha1",
                "kind": "ResourceGraphDefinition",
                "metadata": {"name": kind.lower()},
                "spec": {"schema": schema, "resources": resources},
            }
        )

    database = {"apiVersion": "kro.run/v1alpha1", "kind": "Database"}
    return {
        "database.yaml": rgd("Database", {"apiVersion": "v1", "kind": "ConfigMap"}),
        "platform.yaml": rgd("Platform", database),
    }


def _has_fields(part: Any, model: type[BaseModel]) -> bool:
    return isinstance(part, dict) and bool(part) and part.keys() <= _fields(model)


def _fields(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def _is_part_of(part: Manifest, whole: Manifest) -> bool:
    return all(
        name in whole
        and (
            not isinstance(value, dict)
            or not whole[name]
            or (isinstance(whole[name], dict) and _is_part_of(value, whole[name]))
        )
        for name, value in part.items()
    )


def _leaves(values: Manifest, path: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"
