"""Reading what ``krobench.run/v1`` and ``krobench.baseline/v1`` stored: as version 2 stores it.

An upgrade is a series of steps, each of which changes one thing in the parsed JSON, in place. A
record may be damaged: a step skips whatever does not have the expected form, and the models
report it afterwards.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from krobench.figures.catalogue import RUN_SECONDS, THROUGHPUT
from krobench.figures.renamed import (
    RENAMED,
    RENAMED_GROUPS,
    RENAMED_PARTS,
    new_name,
    with_new_names,
)

RUN_V1 = "krobench.run/v1"
BASELINE_V1 = "krobench.baseline/v1"

Raw = dict[str, Any]
Step = Callable[[Raw], None]


def upgrade(raw: Any) -> Any:
    """Return a record of version 1 as one of version 2; anything else as it is."""
    schema = raw.get("schema") if isinstance(raw, Mapping) else None
    steps = {RUN_V1: RUN_STEPS, BASELINE_V1: BASELINE_STEPS}.get(str(schema))
    if steps is None:
        return raw
    upgraded: Raw = copy.deepcopy(dict(raw))
    for step in steps:
        step(upgraded)
    upgraded["schema"] = str(schema).removesuffix("/v1") + "/v2"
    return upgraded


def upgrade_line(line: Any) -> Any:
    """Return a line of ``objects.jsonl`` as version 2 writes it; lines have no schema."""
    if isinstance(line, dict):
        rename(line, "step", "phase")
    return line


def rename(of: Raw, old: str, new: str) -> None:
    """Give a field another name."""
    if old in of:
        of[new] = of.pop(old)


def quote(finding: Raw, message: str) -> None:
    """Make a finding of what was stored as a sentence in this field."""
    if message in finding:
        finding["code"] = "Quoted"
        finding["text"] = finding.pop(message)


def dicts_in(of: Any, *path: str) -> Iterator[Raw]:
    """Yield the objects at a path of fields; each item if a field is a list."""
    if isinstance(of, list):
        for item in of:
            yield from dicts_in(item, *path)
    elif isinstance(of, dict):
        if not path:
            yield of
        else:
            yield from dicts_in(of.get(path[0]), *path[1:])


_TEXT = {"message": "text"}
_RENAMED_FIELDS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (("tests",), {"steps": "phases"}),
    (("tests", "summary"), {"steps": "phases"}),
    (("tests", "iterations"), {"steps": "phases", "hold": "soak"}),
    (("tests", "steadyState"), _TEXT),
    (("tests", "iterations", "steadyState"), _TEXT),
    (("tests", "stop"), _TEXT),
    (("tests", "thresholds"), _TEXT),
    (("spec", "tests"), {"steps": "phases"}),
)
"""Fields whose names are other ones now. A text was a message of krobench's own."""


def _renamed_fields(run: Raw) -> None:
    for path, names in _RENAMED_FIELDS:
        for of in dicts_in(run, *path):
            for old, new in names.items():
                rename(of, old, new)
    for state in dicts_in(run, "tests", "steadyState"):
        state["of"] = "iterations"
    for state in dicts_in(run, "tests", "iterations", "steadyState"):
        state["of"] = "instances"


def _causes(run: Raw) -> None:
    """A cause of invalidity was a reason and a message."""
    holders = [run, *dicts_in(run, "tests"), *dicts_in(run, "tests", "iterations")]
    for holder in holders:
        for cause in (*dicts_in(holder, "causes"), *dicts_in(holder, "validity", "causes")):
            quote(cause, "message")


def _bottlenecks(run: Raw) -> None:
    """What held kro back was a sentence, with evidence in words."""
    for found in dicts_in(run, "tests", "attribution", "bottlenecks"):
        quote(found, "message")
        _quote_evidence(found)


def _recommendations(run: Raw) -> None:
    """What to change was a title, an effect and a source in words, and so was its verification."""
    for found in dicts_in(run, "recommendations"):
        if "title" in found:
            found["advice"] = {
                "code": "Quoted",
                "title": found.pop("title"),
                "effect": found.pop("expectedEffect", ""),
                "source": found.pop("source", ""),
            }
        _quote_evidence(found)
        for verification in dicts_in(found, "verification"):
            rename(verification, "message", "text")


def _quote_evidence(finding: Raw) -> None:
    for item in dicts_in(finding, "evidence"):
        if "figure" in item:
            item["code"] = "Quoted"
            item["quoted"] = {"figure": item.pop("figure"), "expected": item.pop("expected", "")}
            rename(item, "speaksFor", "supports")


def _sizes(run: Raw) -> None:
    """A scale test had steps with trials, and sentences about its limit and curves."""
    for scale in dicts_in(run, "scale"):
        rename(scale, "sizes", "planned")
        rename(scale, "steps", "sizes")
        scale["stopped"] = _quoted(scale.get("stopped"))
        if isinstance(scale.get("nextToTry"), str):
            scale["nextToTry"] = {"step": "Quoted", "text": scale["nextToTry"]}
        for size in dicts_in(scale, "sizes"):
            rename(size, "trials", "iterations")
        for iteration in dicts_in(scale, "sizes", "iterations"):
            iteration["undecided"] = _quoted(iteration.pop("message", None))
            breached = iteration.get("breached")
            if isinstance(breached, list):
                iteration["breached"] = list(map(_quoted, breached))
        for found in (*dicts_in(scale, "limit"), *dicts_in(scale, "curves")):
            rename(found, "message", "text")
        for prediction in dicts_in(scale, "predictions"):
            prediction.pop("message", None)


def _soaks(run: Raw) -> None:
    """Why kro was not steady was a sentence."""
    for soak in dicts_in(run, "tests", "iterations", "soak"):
        why = _quoted(soak.pop("message", None))
        soak["unsteady"] = [why] if why else []


def _comparisons(run: Raw) -> None:
    """Why there was no comparison, or no verdict, was a sentence."""
    found = [*dicts_in(run, "comparison"), *dicts_in(run, "variantComparisons")]
    for comparison in found:
        for refused in dicts_in(comparison, "refused"):
            quote(refused, "message")
            refused.pop("reason", None)
        omitted = comparison.get("leftOut")
        if isinstance(omitted, list):
            comparison["leftOut"] = list(map(_quoted, omitted))
        for metric in dicts_in(comparison, "metrics"):
            metric["note"] = _quoted(metric.get("note"))


def _quoted(text: Any) -> Any:
    return {"code": "Quoted", "text": text} if isinstance(text, str) and text else None


_SCALE_SPEC = {"steps": "sizes", "repeats": "iterations"}
_SIZES = {"hold": "soak", "holdUntil": "soakUntil", "keep": "cumulative"}


def _spec(run: Raw) -> None:
    """The spec as run has the present names of fields, to be compared with that of a later run."""
    for spec in dicts_in(run, "spec"):
        if "axis" in spec:
            for old, new in _SCALE_SPEC.items():
                rename(spec, old, new)
            for sizes in dicts_in(spec, "sizes"):
                for old, new in _SIZES.items():
                    rename(sizes, old, new)


def _figures(run: Raw) -> None:
    """A figure was a field, or two, of a tree; its names are those of thresholds."""
    for of in (*dicts_in(run, "tests", "iterations"), *dicts_in(run, "tests", "summary")):
        figures: dict[str, float] = {}
        for old, new in RENAMED.items():
            value = _at(of, old)
            if isinstance(value, int | float):
                figures.setdefault(new, value)
        metrics = of.get("metrics")
        for name, value in metrics.items() if isinstance(metrics, dict) else ():
            if isinstance(value, int | float):
                figures.setdefault(new_name(f"metrics.{name}") or f"metrics.{name}", value)
        for name, new in (("runSeconds", RUN_SECONDS.name), ("throughput", THROUGHPUT.name)):
            value = of.pop(name, None)
            value = value.get("instancesPerSecond") if isinstance(value, dict) else value
            if isinstance(value, int | float):
                figures[new] = value
        of["figures"] = figures
        of["parts"] = {
            new: [_part(each) for each in found]
            for old, new in RENAMED_PARTS.items()
            if isinstance(found := _at(of, old), list) and found
        }
        of["kroRestarts"] = _at(of, "usage.kroRestarts") or []
        for group in ("cpu", "memory", "apiRequests", "metrics", "usage"):
            of.pop(group, None)
        if isinstance(of.get("unavailable"), dict):
            # One reason for several numbers stays one for them together.
            of["unavailable"] = {
                new_name(name)
                or new_name(f"metrics.{name}")
                or RENAMED_GROUPS.get(name)
                or name: reason
                for name, reason in of["unavailable"].items()
            }


def _at(of: Raw, path: str) -> Any:
    value: Any = of
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _part(raw: Any) -> Any:
    if isinstance(raw, dict) and "verb" in raw:
        return {"name": f"{raw['verb']} {raw.get('resource')}", "value": raw.get("count")}
    return raw


def _names_in_texts(of: Raw) -> None:
    """Expressions, and what says which figure it is about, use the new names."""
    for name, value in of.items():
        if name not in {"environment", "parts"}:
            of[name] = _renamed(value)


def _renamed(value: Any) -> Any:
    if isinstance(value, str):
        return with_new_names(value)
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    if isinstance(value, dict):
        return {with_new_names(name): _renamed(each) for name, each in value.items()}
    return value


RUN_STEPS: tuple[Step, ...] = (
    _renamed_fields,
    _causes,
    _bottlenecks,
    _recommendations,
    _sizes,
    _soaks,
    _comparisons,
    _spec,
    _figures,
    _names_in_texts,
)
BASELINE_STEPS: tuple[Step, ...] = (_names_in_texts,)
