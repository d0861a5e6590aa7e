"""From a run record to what comparisons need of it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from krobench.analysis import figurenames
from krobench.api.common import with_current_names
from krobench.api.kinds import RunKind
from krobench.api.notation import flag_values
from krobench.api.specs.collect import Collect
from krobench.api.specs.kro import Target
from krobench.api.specs.load import Arrival, LoadPhase
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.specs.suite import Test
from krobench.api.specs.workload import Workload
from krobench.figures.summaries import Figures, Latencies, PartLists
from krobench.findings.estimates import RunEstimates, TestEstimates
from krobench.findings.incomparable import (
    AnyUnusable,
    Invalid,
    IsScaleTest,
    IterationsElsewhere,
    NoSizes,
    NotCompleted,
)
from krobench.record.run import FULL_RUN_KEY, RunRecord, RunState
from krobench.record.test import IterationRecord, TestRecord

_MAX_TEXT = 120
SCALE_FIGURES = (
    "throughput.instancesPerSecond",
    "latency.instanceReady.p50",
    "latency.instanceReady.p99",
    "perInstance.kro.cpu.seconds",
    "kro.memory.residentBytes.max",
)
"""What is compared of the sizes of scale tests."""


def condense(run: RunRecord) -> RunEstimates:
    """Return what a run measured of its tests; failed tests are omitted."""
    return RunEstimates(
        id=run.id,
        name=run.name,
        namespace=run.namespace,
        start_time=run.start_time,
        environment=run.environment,
        unusable=_unusable_by_tests(run),
        tests=[
            TestEstimates(
                name=test.name,
                workload=_fingerprint(test, run.spec),
                iterations=[numbers_of(i) for i in test.iterations if i.success and not i.warmup],
            )
            for test in run.tests
            if test.success
        ],
    )


def unusable(run: RunRecord) -> NotCompleted | Invalid | None:
    """Return why a run of any kind must not be compared; None if it may."""
    if run.state is not RunState.COMPLETED:
        return NotCompleted(state=run.state, error=run.error)
    if run.validity is None or run.validity.valid:
        return None
    return Invalid(causes=list(run.validity.by_reason()))


def _unusable_by_tests(run: RunRecord) -> AnyUnusable | None:
    """Return why a run's tests must not be compared; None if they may."""
    if run.kind == RunKind.SCALE_TEST:
        return IsScaleTest()
    found = unusable(run)
    return IterationsElsewhere(file=FULL_RUN_KEY) if found is None and run.shortened else found


def scale_settings(run: RunRecord) -> dict[str, str]:
    """Return what a scale test did and asked for, but for its sizes and how it searched."""
    spec = _completed(KroScaleTestSpec, run.spec)
    sizes = spec.get("sizes") or {}
    settings = {
        "workload": spec.get("workload"),
        "load": spec.get("load"),
        "sizes": {name: sizes.get(name) for name in ("soak", "soakUntil", "cumulative")},
        "timeout": spec.get("timeout"),
        "collect": {"interval": (spec.get("collect") or {}).get("interval")},
    }
    if (spec.get("load") or {}).get("arrival") == Arrival.CLOSED:
        settings["concurrency"] = spec.get("concurrency")
    return {"slo": " && ".join(spec.get("slo") or []), **dict(_flattened(settings, ""))}


def numbers_of(iteration: IterationRecord) -> dict[str, float | None]:
    """Return the numbers of an iteration that are available, by their names in thresholds."""
    counts = iteration.counts
    values = figurenames.numbers_of(iteration, counts.failed + counts.censored)
    return {name: value for name, value in values.items() if value is not None}


def _fingerprint(test: TestRecord, spec: Mapping[str, Any]) -> dict[str, str]:
    """Return what was done, with defaults filled in: an older record may lack newer fields."""
    raw = with_current_names(Test, _named(spec.get("tests"), test.spec_name))
    workload = _completed(Workload, raw.get("workload") or {"instances": test.instances})
    if not workload.get("keepRgds"):
        workload.pop("keepRgds", None)  # baselines from before there was this field lack it
    settings: dict[str, Any] = {
        "workload": workload,
        "load": test.load.model_dump(by_alias=True, mode="json", exclude_none=True),
        "phases": [_completed(LoadPhase, phase) for phase in raw.get("phases") or []],
        "collect": {"interval": (spec.get("collect") or {}).get("interval", Collect().interval)},
    }
    if test.concurrency is not None and not test.load.arrival.open_loop:
        settings["concurrency"] = test.concurrency
    if raw.get("target"):
        settings["target"] = _completed(Target, raw["target"])
    if test.variant is not None:
        variant = _named(spec.get("variants"), test.variant)
        flags = flag_values(variant.get("args") or [])
        settings["variant"] = {
            # Its name is in that of the test.
            **{name: value for name, value in variant.items() if name not in ("name", "args")},
            "args": {name: value or "set" for name, value in flags.items()},
        }
    return dict(_flattened(settings, ""))


def _named(items: Sequence[Mapping[str, Any]] | None, name: str) -> Mapping[str, Any]:
    return next((item for item in items or () if item.get("name") == name), {})


def _completed(model: type[BaseModel], raw: Mapping[str, Any]) -> Any:
    raw = with_current_names(model, raw)
    try:
        return model.model_validate(raw).model_dump(by_alias=True, mode="json", exclude_none=True)
    except ValidationError:
        return dict(raw)  # written by another version: compared unchanged


def _flattened(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Return every setting by its path; an RGD or a long text by its digest."""
    if isinstance(value, Mapping) and not path.endswith(".inline"):
        for name in sorted(value):
            yield from _flattened(value[name], f"{path}.{name}" if path else name)
        return
    if value is None:
        return
    if isinstance(value, str | int | float | bool) and len(str(value)) <= _MAX_TEXT:
        yield path, str(value)
    elif value not in ([], {}):
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        yield path, f"sha256:{hashlib.sha256(text).hexdigest()[:16]}"


def slim(run: RunRecord) -> RunRecord:
    """Return what comparisons need of a scale test: whole records take much memory and room."""
    tests = []
    for test in run.tests:
        iterations = [_slim_iteration(each) for each in test.iterations]
        gone = {"summary": None, "profile": None, "attribution": None}
        tests.append(test.model_copy(update={"iterations": iterations, **gone}))
    changes: dict[str, Any] = {
        "tests": tests,
        "recommendations": [],
        "variant_comparisons": [],
        "scale_comparison": None,
        "warnings": [],
        "sampled": [],
    }
    if run.scale is not None:
        curves = [curve.model_copy(update={"points": []}) for curve in run.scale.curves]
        changes["scale"] = run.scale.model_copy(update={"curves": curves, "predictions": []})
    return run.model_copy(update=changes)


def _slim_iteration(iteration: IterationRecord) -> IterationRecord:
    kept = {n: v for n, v in iteration.figures.root.items() if n in SCALE_FIGURES}
    return iteration.model_copy(
        update={
            "latency": Latencies(instance_ready=iteration.latency.instance_ready),
            "figures": Figures(kept),
            "parts": PartLists(),
            "phases": [],
            "unavailable": {},
            "generator": None,
            "teardown": None,
        }
    )


def why_not_comparable(run: RunRecord) -> AnyUnusable | None:
    """Return why a run must not be compared as a scale test; None if it may."""
    if run.scale is None:
        return unusable(run) or NoSizes()
    return unusable(run)
