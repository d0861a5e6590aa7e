from typing import Any

import pytest
from doubles.cluster import MemoryApi
from unit.controller.world import record
from unit.report.scales import scale_run

from krobench.api.kinds import RunKind, RunRef
from krobench.cli import sources
from krobench.cli.errors import ResultsError
from krobench.cli.history import show_history
from krobench.cli.names import RunName, parse_name
from krobench.cli.sources import read_side
from krobench.record.history import as_kept, kept_name
from krobench.record.run import RunRecord, RunState
from krobench.record.store import RunLines, write_config_maps


@pytest.mark.parametrize(
    ("text", "kind", "namespace"),
    [
        ("x", None, "here"),
        ("team/x", None, "team"),
        ("kroscaletest/x", RunKind.SCALE_TEST, "here"),
        ("KroBenchmark/x", RunKind.BENCHMARK, "here"),
        ("kroscaletests/team/x", RunKind.SCALE_TEST, "team"),
        ("krobenchmark.bench.kro.run/x", RunKind.BENCHMARK, "here"),
    ],
)
def test_a_name_may_say_its_kind_and_its_namespace(
    text: str, kind: RunKind | None, namespace: str
) -> None:
    assert parse_name(text, "here") == RunName(kind, namespace, "x")


def test_a_name_without_a_slash_is_never_a_kind() -> None:
    assert parse_name("kroscaletest", "here") == RunName(None, "here", "kroscaletest")


@pytest.mark.parametrize("text", ["", "team/", "/x", "pod/team/x", "kroscaletest/", "a/b/c/d"])
def test_what_names_nothing_is_refused_with_the_kinds(text: str) -> None:
    with pytest.raises(ResultsError, match="KIND of krobenchmark or kroscaletest"):
        parse_name(text, "here")


def cluster(*kinds: RunKind) -> MemoryApi:
    """Return a cluster in which runs of the name x are kept, of these kinds."""
    kept = [_kept(kind) for kind in kinds]
    collection = "/api/v1/namespaces/team/configmaps"
    return MemoryApi({f"{collection}/{each['metadata']['name']}": each for each in kept})


def _kept(kind: RunKind) -> dict[str, Any]:
    run: RunRecord = scale_run() if kind is RunKind.SCALE_TEST else record(RunState.COMPLETED)
    owner = RunRef(kind, "team", "x", f"{kind.singular}-uid")
    _, config_maps = write_config_maps(kept_name("x", owner.uid), owner, run, RunLines())
    return as_kept(config_maps[-1], owner)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(sources, "load_client_config", lambda: None)
    return monkeypatch


def test_the_history_of_a_name_that_two_kinds_share_is_that_of_the_one_named(
    kept: pytest.MonkeyPatch,
) -> None:
    kept.setattr(sources, "KubeClient", lambda *_, **__: cluster(*RunKind))
    words = "team/x is a KroBenchmark and a KroScaleTest: say which one, "
    with pytest.raises(ResultsError, match=words + "krobenchmark/team/x or kroscaletest/team/x"):
        show_history("team/x", "default")
    assert "breached SLO" in show_history("kroscaletest/x", "team")
    benchmarks = show_history("krobenchmark/team/x", "default")
    assert "breached SLO" not in benchmarks
    assert "ready p50" in benchmarks


def test_the_history_of_a_name_of_one_kind_needs_no_more(kept: pytest.MonkeyPatch) -> None:
    kept.setattr(sources, "KubeClient", lambda *_, **__: cluster(RunKind.SCALE_TEST))
    assert "breached SLO" in show_history("x", "team")
    with pytest.raises(ResultsError, match="no runs of team/x are kept"):
        show_history("krobenchmark/x", "team")


async def test_sides_of_a_comparison_are_named_likewise(kept: pytest.MonkeyPatch) -> None:
    kept.setattr(sources, "KubeClient", lambda *_, **__: cluster(*RunKind))
    side = await read_side("history:kroscaletest/x", "team")
    assert [run.kind for run in side.scale_tests] == ["KroScaleTest"]
    with pytest.raises(ResultsError, match="say which one"):
        await read_side("history:team/x", "default")
