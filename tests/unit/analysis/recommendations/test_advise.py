"""What holds for recommendations whatever was measured."""

import re
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import at_least
from unit.analysis.recommendations.made import CALM, MIB, a_test, kro, run, summary
from unit.records import figures

from krobench.analysis.krosettings import (
    INSTANCE_WORKERS,
    KEPT_REVISIONS,
    NEVER_ADVISED,
    REQUEUE_INTERVAL,
    REVISION_WORKERS,
    RGD_WORKERS,
    helm_values,
)
from krobench.analysis.recommendations.advise import MAX_RECOMMENDATIONS, advise
from krobench.api.notation import flag_name
from krobench.api.specs.load import Operation
from krobench.figures.catalogue import THROUGHPUT
from krobench.figures.summaries import LatencySummary
from krobench.findings.bottleneck import Attribution, Bottleneck, BottleneckCode, BottleneckKind
from krobench.findings.recommendation import Setting
from krobench.record.run import RunRecord

NUMBERS = st.one_of(st.none(), st.just(0.0), st.floats(1e-6, 1e4))
COUNTS = st.one_of(st.none(), st.integers(0, 4 * 2**30))


@st.composite
def runs(draw: st.DrawFn) -> RunRecord:
    found = summary(
        rate=draw(st.floats(0, 1000)),
        measured={name: draw(NUMBERS) for name in (*CALM, THROUGHPUT.name)},
    )
    found.latency.rgd_ready = LatencySummary(n=1, max_seconds=draw(NUMBERS))
    found.latency.instance_gone = LatencySummary(n=1, p50_seconds=draw(NUMBERS))
    drawn = {
        "kro.memory.residentBytes.max": draw(COUNTS),
        "kro.memory.workingSetBytes.max": draw(COUNTS),
        "kro.cpu.throttledPeriodsRatio": draw(st.one_of(st.none(), st.floats(0, 1))),
        "perRgd.kro.memory.liveHeapBytes": draw(st.one_of(st.none(), st.floats(0, 99 * MIB))),
    }
    others = {name: value for name, value in found.figures.root.items() if name not in drawn}
    found.figures = figures(others | drawn)
    kinds = draw(st.lists(st.sampled_from(BottleneckKind), unique=True))
    bottlenecks = [
        Bottleneck(code=BottleneckCode.QUOTED, kind=k, score=draw(st.floats(0, 1))) for k in kinds
    ]
    test = a_test(
        found,
        attribution=Attribution(bottlenecks=bottlenecks),
        rgds=draw(st.integers(1, 500)),
        concurrency=draw(st.one_of(st.none(), st.integers(1, 1000))),
        phases=draw(st.lists(st.sampled_from(Operation), max_size=4)),
    )
    workers = st.integers(1, 64)
    args = [
        f"{INSTANCE_WORKERS.name}={draw(workers)}",
        *(RGD_WORKERS.name, str(draw(workers))),
        f"{REVISION_WORKERS.name}={draw(workers)}",
        f"{REQUEUE_INTERVAL.name}={draw(st.sampled_from(['0', '0s', '500ms', '3s', '1m', '?']))}",
        *(KEPT_REVISIONS.name, str(draw(st.integers(1, 20)))),
    ]
    memory = draw(st.sampled_from(["64Mi", "1Gi", "4Gi", "800M"]))
    limits: dict[str, Any] = draw(
        st.sampled_from([{}, {"cpu": "1"}, {"cpu": "500m", "memory": memory}])
    )
    fingerprint = kro(*args, limits=limits, requests={"memory": memory})
    return run(test, kro=draw(st.sampled_from([fingerprint, None])), cpu="2")


@given(runs())
@settings(max_examples=at_least(300), deadline=None)
def test_never_advises_settings_without_effect_or_set_already(record: RunRecord) -> None:
    found = advise(record)

    assert len(found) <= MAX_RECOMMENDATIONS
    named = [setting for each in found for setting in each.settings]
    flags = [flag_name(flag) for each in found if each.variant for flag in each.variant.args]
    assert not {setting.name.lstrip("-") for setting in named} & NEVER_ADVISED.keys()
    assert not set(flags) & NEVER_ADVISED.keys()
    assert all(setting.advised != setting.current for setting in named)


@given(runs())
@settings(max_examples=100, deadline=None)
def test_the_variant_has_the_advised_settings(record: RunRecord) -> None:
    for advice in advise(record):
        if advice.variant is None:
            continue
        variant = advice.variant
        tried = dict(flag.split("=", 1) for flag in variant.args) | variant.env
        if variant.resources is not None:
            tried |= {f"limits.{name}": v for name, v in variant.resources.limits.items()}
        assert tried == {setting.name: setting.advised for setting in advice.settings}


def test_writes_values_of_kros_chart() -> None:
    settings_ = [
        Setting(name=RGD_WORKERS.name, helm_value=RGD_WORKERS.helm_value, advised="8"),
        Setting(name="A", helm_value="deployment.extraEnv", advised="false"),
        Setting(name="B", helm_value="deployment.extraEnv", advised="1"),
        Setting(name="limits.cpu", helm_value="deployment.resources.limits.cpu", advised="2"),
        Setting(name="elsewhere", advised="1"),
    ]

    assert helm_values(settings_) == {
        "config": {"resourceGraphDefinitionConcurrentReconciles": 8},
        "deployment": {
            "extraEnv": [{"name": "A", "value": "false"}, {"name": "B", "value": "1"}],
            "resources": {"limits": {"cpu": "2"}},
        },
    }


def test_the_page_says_what_is_never_advised() -> None:
    page = Path(__file__).parents[4] / "docs" / "explanation" / "recommendations.md"
    named = set(re.findall(r"`--([a-z-]+)`", page.read_text()))

    assert NEVER_ADVISED.keys() <= named
