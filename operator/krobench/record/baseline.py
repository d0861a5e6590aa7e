"""Reading and writing what runs are compared with: baselines and run records, as text."""

from collections.abc import Mapping
from typing import Any, Literal

import orjson
import yaml
from pydantic import Field

from krobench.api.common import ApiModel
from krobench.api.yaml import dump, load
from krobench.findings.estimates import RunEstimates
from krobench.record.reading import (
    BASELINE_SCHEMA,
    RecordError,
    read_as,
    refuse_newer_schema,
    schema_of,
)
from krobench.record.run import SCHEMA, RunRecord
from krobench.record.store import RUN_KEY
from krobench.record.v1 import BASELINE_V1, RUN_V1

BASELINE_KEY = "baseline.json"
MAX_BYTES = 1_000_000
"""The most that a ConfigMap holds, with room for its metadata."""


class Baseline(ApiModel):
    """A file with runs to compare with, small enough to be committed: of benchmarks, or of scale
    tests."""

    schema_: Literal["krobench.baseline/v2"] = Field(default=BASELINE_SCHEMA, alias="schema")
    runs: list[RunEstimates]
    scale_tests: list[RunRecord] = Field(default_factory=list)
    """Without what comparisons do not need."""


def parse(text: str, where: str) -> Baseline | RunRecord:
    """Return the baseline or the run record in a JSON or YAML text.

    Raises:
        RecordError: if this version cannot read it; the message names ``where``.
    """
    try:
        # YAML is a superset of JSON, but far slower to read.
        raw = orjson.loads(text) if text.lstrip().startswith("{") else load(text)
    except (orjson.JSONDecodeError, yaml.YAMLError) as error:
        raise RecordError(f"{where} is neither valid JSON nor YAML: {error}") from error
    return parse_object(raw, where)


def parse_object(raw: Any, where: str) -> Baseline | RunRecord:
    """Return the baseline or the run record that an object is; as :func:`parse`."""
    refuse_newer_schema(raw, where)
    schema = schema_of(raw)
    models: dict[str, type[Baseline | RunRecord]] = {
        BASELINE_SCHEMA: Baseline,
        SCHEMA: RunRecord,
        BASELINE_V1: Baseline,
        RUN_V1: RunRecord,
    }
    model = models.get(schema or "")
    if model is None:
        has = f"has schema {schema}" if schema else "has no schema field"
        raise RecordError(
            f"{where} {has}: this version of krobench reads {BASELINE_SCHEMA} and {SCHEMA}; "
            "export the baseline again with krobench baseline export"
        )
    return read_as(model, raw, where)


def parse_config_map(config_map: Mapping[str, Any], key: str | None = None) -> Baseline | RunRecord:
    """Return what a ConfigMap holds: under ``key``, else a baseline, else a run's results.

    Raises:
        RecordError: if it holds none that this version can read.
    """
    name = f"ConfigMap {config_map.get('metadata', {}).get('name', '?')}"
    data = config_map.get("data") or {}
    found = next((k for k in ([key] if key else [BASELINE_KEY, RUN_KEY]) if k in data), None)
    if found is None:
        wanted = key or f"{BASELINE_KEY} or {RUN_KEY}"
        raise RecordError(f"{name} has no key {wanted}: it holds {', '.join(sorted(data)) or '-'}")
    return parse(data[found], f"{found} in {name}")


def to_json(baseline: Baseline) -> str:
    """Return a baseline as JSON for a file: a line for each value, so that a diff shows it."""
    return orjson.dumps(_plain(baseline), option=orjson.OPT_INDENT_2).decode() + "\n"


def to_yaml(baseline: Baseline) -> str:
    """Return a baseline as YAML."""
    return dump(_plain(baseline))


def to_config_map(baseline: Baseline, name: str, namespace: str) -> str:
    """Return a ConfigMap with a baseline, as YAML to be applied.

    Raises:
        RecordError: if it is larger than a ConfigMap may be.
    """
    text = orjson.dumps(_plain(baseline)).decode()
    if len(text) > MAX_BYTES:
        raise RecordError(
            f"the baseline takes {len(text):,} bytes, and a ConfigMap {MAX_BYTES:,} at most: "
            "export fewer runs"
        )
    return dump(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": {BASELINE_KEY: text},
        }
    )


def _plain(baseline: Baseline) -> dict[str, Any]:
    return baseline.model_dump(by_alias=True, mode="json", exclude_none=True)
