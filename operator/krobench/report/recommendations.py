"""What to change: the recommendations of a run, ready to be pasted."""

from krobench.analysis.krosettings import EXTRA_ENV
from krobench.analysis.recommendations.settings import helm_values
from krobench.api.yaml import dump
from krobench.findings.bottleneck import BottleneckKind, Evidence
from krobench.findings.recommendation import Recommendation, Setting, Verification
from krobench.record.run import RunRecord, RunState
from krobench.report.bottlenecks import measured_value

_AREAS = {
    "KroFlag": "a setting of kro",
    "KroResources": "requests and limits of kro",
    "RGDShape": "for authors of RGDs",
    "Cluster": "for those who run the cluster",
    "KroCode": "for kro's maintainers",
    "Load": "for this test",
}
_NOTHING = (
    "Nothing: what was measured gives no reason to change anything. That is said of this load at "
    "these sizes; a greater one may find something."
)


_NOT_MEASURED = (
    "Not known: how busy kro's workers and its CPU were was not measured in any test, so that "
    "there is nothing to tell what to change by. The warnings say why."
)
_OF_KRO = frozenset({BottleneckKind.KRO_WORKERS, BottleneckKind.KRO_CPU})


def recommendations_section(run: RunRecord) -> str:
    """Return the section; empty where none was looked for, as in a run under way."""
    if run.recommendations:
        parts = [_one(index, each) for index, each in enumerate(run.recommendations, start=1)]
        return "\n\n".join(["## What to change", *parts])
    looked = [test.attribution for test in run.tests if test.attribution is not None]
    if run.state is not RunState.COMPLETED or not looked:
        return ""
    blind = all(attribution.unavailable.keys() >= _OF_KRO for attribution in looked)
    return f"## What to change\n\n{_NOT_MEASURED if blind else _NOTHING}"


def _one(index: int, advice: Recommendation) -> str:
    parts = [
        f"### {index}. {advice.title}",
        _from(advice),
        f"**Expected**: {advice.expected_effect}",
        _verified(advice.verification) if advice.verification is not None else "",
        _settings(advice.settings),
        "\n".join(f"- {_evidence(each)}" for each in advice.evidence),
    ]
    return "\n\n".join(part for part in parts if part)


def _from(advice: Recommendation) -> str:
    area = _AREAS[advice.area]
    return (
        f"{area[0].upper()}{area[1:]}; confidence {advice.confidence.lower()}; "
        f"from: {advice.source}."
    )


def _verified(found: Verification) -> str:
    if found.verdict is None:
        return f"**Not verified**: {found.message}"
    return f"**Verified: {found.verdict.lower()}.** {found.message}"


def _settings(settings: list[Setting]) -> str:
    if not settings:
        return ""
    values = dump(helm_values(settings)).rstrip()
    lines = "; ".join(_setting(each) for each in settings)
    return f"{lines}. In kro's chart:\n\n```yaml\n{values}\n```"


def _setting(setting: Setting) -> str:
    glue = "=" if setting.name.startswith("-") or setting.helm_value == EXTRA_ENV else ": "
    now = f" (now {setting.current})" if setting.current is not None else ""
    return f"`{setting.name}{glue}{setting.advised}`{now}"


def _evidence(found: Evidence) -> str:
    compared = f" ({found.expected})" if found.expected else ""
    against = "" if found.speaks_for else "; speaks against it"
    return f"{found.figure}: {measured_value(found)}{compared}{against}"
