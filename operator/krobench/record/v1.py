"""Reading what ``krobench.run/v1`` and ``krobench.baseline/v1`` stored: as version 2 stores it.

An upgrade is a series of steps, each of which changes one thing in the parsed JSON, in place. A
record may be damaged: a step skips whatever does not have the expected form, and the models
report it afterwards.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

RUN_V1 = "krobench.run/v1"
BASELINE_V1 = "krobench.baseline/v1"

Raw = dict[str, Any]
Step = Callable[[Raw], None]


def upgrade(raw: Any) -> Any:
    """Return a record of version 1 as one of version 2; anything else as it is."""
    schema = raw.get("schema") if isinstance(raw, Mapping) else None
    steps = {RUN_V1: RUN_STEPS}.get(str(schema))
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
    """Yield the objects at a path of fields; each item where a field is a list."""
    if isinstance(of, list):
        for item in of:
            yield from dicts_in(item, *path)
    elif isinstance(of, dict):
        if not path:
            yield of
        else:
            yield from dicts_in(of.get(path[0]), *path[1:])


def _phases_and_soak(run: Raw) -> None:
    """A test's steps are its phases; the hold of a size is its soak."""
    for test in dicts_in(run, "tests"):
        rename(test, "steps", "phases")
    for summary in dicts_in(run, "tests", "summary"):
        rename(summary, "steps", "phases")
    for iteration in dicts_in(run, "tests", "iterations"):
        rename(iteration, "steps", "phases")
        rename(iteration, "hold", "soak")


def _causes(run: Raw) -> None:
    """A cause of invalidity was a reason and a message."""
    holders = [run, *dicts_in(run, "tests"), *dicts_in(run, "tests", "iterations")]
    for holder in holders:
        for cause in (*dicts_in(holder, "causes"), *dicts_in(holder, "validity", "causes")):
            quote(cause, "message")


def _steady_states(run: Raw) -> None:
    """Whether a test was steady was a sentence, too."""
    for of, path in (("iterations", ("tests",)), ("instances", ("tests", "iterations"))):
        for state in dicts_in(run, *path, "steadyState"):
            state["of"] = of
            rename(state, "message", "text")


def _stops(run: Raw) -> None:
    """Why a test was not repeated further was a sentence, too."""
    for stop in dicts_in(run, "tests", "stop"):
        rename(stop, "message", "text")


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


RUN_STEPS: tuple[Step, ...] = (
    _phases_and_soak,
    _causes,
    _steady_states,
    _stops,
    _bottlenecks,
    _recommendations,
    _sizes,
    _soaks,
    _comparisons,
)
