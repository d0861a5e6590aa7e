"""What to change: the recommendations of a run, ready to be pasted."""

from krobench.analysis.krosettings import EXTRA_ENV, helm_values
from krobench.api.yaml import dump
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.recommendation import Area, Recommendation, Setting
from krobench.record.run import RunRecord, RunState
from krobench.report.words.evidence import evidence_line
from krobench.report.words.recommendations import (
    effect,
    source,
    title,
    verification_paragraph,
)

_AREAS = {
    Area.KRO_FLAG: "A setting of kro",
    Area.KRO_RESOURCES: "Requests and limits of kro",
    Area.RGD_SHAPE: "For authors of RGDs",
    Area.CLUSTER: "For cluster administrators",
    Area.KRO_CODE: "For kro's maintainers",
    Area.LOAD: "For this test",
}
_NOTHING = (
    "Nothing: the measurements give no reason to change anything. This holds for this load at "
    "these sizes; a larger one may show something."
)
_NOT_MEASURED = (
    "Unknown: how busy kro's workers and its CPU were was not measured in any test. The warnings "
    "say why."
)
_NOT_JUDGED = (
    "Unknown: the run is invalid or a test failed, so its measurements neither support a change "
    "nor rule one out. Fix that first."
)
_OF_KRO = frozenset({BottleneckKind.KRO_WORKERS, BottleneckKind.KRO_CPU})


def recommendations_section(run: RunRecord) -> str:
    """Return the section; empty if the run has not got that far."""
    if run.recommendations:
        parts = [_one(index, each) for index, each in enumerate(run.recommendations, start=1)]
        return "\n\n".join(["## What to change", *parts])
    looked = any(test.attribution is not None for test in run.tests)
    if run.state is not RunState.COMPLETED or not looked:
        return ""
    text = _NOTHING
    if not nothing_to_change(run):
        text = _NOT_MEASURED if _is_sound(run) else _NOT_JUDGED
    return f"## What to change\n\n{text}"


def nothing_to_change(run: RunRecord) -> bool:
    """Whether measurements of a run without a recommendation show that there is none."""
    looked = [test.attribution for test in run.tests if test.attribution is not None]
    blind = all(attribution.unavailable.keys() >= _OF_KRO for attribution in looked)
    return run.state is RunState.COMPLETED and _is_sound(run) and not blind


def _is_sound(run: RunRecord) -> bool:
    """Whether all of a run was measured, and undisturbed."""
    valid = run.validity is None or run.validity.valid
    return valid and not any(test.error for test in run.tests)


def _one(index: int, found: Recommendation) -> str:
    verified = ""
    if found.verification is not None:
        verdict = found.verification.verdict
        how = f"**Verified: {verdict.lower()}.**" if verdict is not None else "**Not verified**:"
        verified = f"{how} {verification_paragraph(found.verification)}"
    parts = [
        f"### {index}. {title(found.advice)}",
        f"{_AREAS[found.area]}; confidence {found.confidence.lower()}; from: {source(found)}.",
        f"**Expected**: {effect(found.advice)}",
        verified,
        _settings(found.settings),
        "\n".join(f"- {evidence_line(each)}" for each in found.evidence),
    ]
    return "\n\n".join(part for part in parts if part)


def _settings(settings: list[Setting]) -> str:
    if not settings:
        return ""
    values = dump(helm_values(settings)).rstrip()
    lines = []
    for each in settings:
        glue = "=" if each.name.startswith("-") or each.helm_value == EXTRA_ENV else ": "
        now = f" (now {each.current})" if each.current is not None else ""
        lines.append(f"`{each.name}{glue}{each.advised}`{now}")
    return f"{'; '.join(lines)}. In kro's chart:\n\n```yaml\n{values}\n```"
