from typing import Any

import pytest
from doubles.cluster import MemoryApi
from unit.controller.world import record
from unit.report.scales import scale_run

from krobench.api.kinds import RunKind, RunRef, ScheduleRef
from krobench.cli import cluster as module
from krobench.cli.errors import CliError
from krobench.cli.history import history_of
from krobench.cli.names import RunName
from krobench.cli.sides import read_sides
from krobench.record.history import as_kept, kept_name
from krobench.record.run import RunRecord, RunState
from krobench.record.store import RunLines, write_config_maps


def cluster(*kinds: RunKind) -> MemoryApi:
    """Return a cluster in which runs of the name x are kept, of these kinds."""
    kept = [_kept(kind) for kind in kinds]
    collection = "/api/v1/namespaces/team/configmaps"
    return MemoryApi({f"{collection}/{each['metadata']['name']}": each for each in kept})


def _kept(kind: RunKind) -> dict[str, Any]:
    run: RunRecord = scale_run() if kind is RunKind.SCALE_TEST else record(RunState.COMPLETED)
    owner = RunRef(kind, "team", "x", f"{kind.singular}-uid")
    _, config_maps = write_config_maps(kept_name("x", owner.uid), owner, run, RunLines())
    return as_kept(config_maps[-1], owner, owner)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(module, "load_client_config", lambda: None)
    return monkeypatch


def test_the_history_of_a_name_that_two_kinds_share_is_that_of_the_one_named(
    kept: pytest.MonkeyPatch,
) -> None:
    kept.setattr(module, "KubeClient", lambda *_, **__: cluster(*RunKind))
    words = "team/x is both a KroBenchmark and a KroScaleTest: use "
    with pytest.raises(CliError, match=words + "krobenchmark/team/x or kroscaletest/team/x"):
        history_of(RunName.parse("team/x", "default"), html=False)
    assert "breached SLO" in history_of(RunName.parse("kroscaletest/x", "team"), html=False)
    benchmarks = history_of(RunName.parse("krobenchmark/team/x", "default"), html=False)
    assert "breached SLO" not in benchmarks
    assert "ready p50" in benchmarks


def test_the_history_of_a_name_of_one_kind_needs_no_more(kept: pytest.MonkeyPatch) -> None:
    kept.setattr(module, "KubeClient", lambda *_, **__: cluster(RunKind.SCALE_TEST))
    assert "breached SLO" in history_of(RunName.parse("x", "team"), html=False)
    with pytest.raises(CliError, match="team/x has no kept runs"):
        history_of(RunName.parse("krobenchmark/x", "team"), html=False)


def test_sides_of_a_comparison_are_named_likewise(kept: pytest.MonkeyPatch) -> None:
    kept.setattr(module, "KubeClient", lambda *_, **__: cluster(*RunKind))
    [side] = read_sides(["history:kroscaletest/x"], "team")
    assert [run.kind for run in side.scale_tests] == ["KroScaleTest"]
    with pytest.raises(CliError, match="is both a"):
        read_sides(["history:team/x"], "default")


def test_the_scale_tests_of_a_schedule_have_a_history_and_can_be_compared(
    kept: pytest.MonkeyPatch,
) -> None:
    schedule = ScheduleRef("team", "nightly", "schedule-uid")
    collection, maps = "/api/v1/namespaces/team/configmaps", {}
    for number in range(5):
        owner = RunRef(RunKind.SCALE_TEST, "team", f"nightly-{number}", f"uid-{number}")
        run = scale_run().model_copy(update={"id": owner.uid, "name": owner.name})
        name = kept_name(schedule.name, owner.uid)
        _, config_maps = write_config_maps(name, owner, run, RunLines())
        maps[f"{collection}/{name}"] = as_kept(config_maps[-1], owner, schedule)
    kept.setattr(module, "KubeClient", lambda *_, **__: MemoryApi(maps))
    history = history_of(RunName.parse("schedule/nightly", "team"), html=False)
    assert "breached SLO" in history
    assert all(f"uid-{number}" in history for number in range(5))
    names = [f"configmap:{path.rpartition('/')[2]}" for path in maps]
    old, new = read_sides([",".join(names[:4]), names[4]], "team")
    assert (len(old.scale_tests), len(new.scale_tests)) == (4, 1)
    [all_runs] = read_sides(["history:schedule/nightly"], "team")
    assert len(all_runs.scale_tests) == 5
