from typing import Any

from krobench.api.kinds import KINDS, RunKind, RunRef, ScheduleRef
from krobench.record.history import as_kept, kept_name, main_maps, names_beyond, selector


def kept(
    uid: str,
    created: str,
    *pieces: str,
    kind: RunKind = RunKind.BENCHMARK,
    of: ScheduleRef | None = None,
) -> list[dict[str, Any]]:
    maps = []
    for name in (kept_name("web", uid), *pieces):
        metadata = {"name": name, "namespace": "n", "ownerReferences": [{"uid": uid}]}
        source = {"metadata": metadata, "data": {} if name in pieces else {"run.json": "{}"}}
        run = RunRef(kind, "n", "web", uid)
        item = as_kept(source, run, of or run)
        item["metadata"]["creationTimestamp"] = created
        maps.append(item)
    return maps


MAPS = [
    *kept("uid-3", "2026-01-03T00:00:00Z"),
    *kept("uid-1", "2026-01-01T00:00:00Z", "web-run-uid-1-1"),
    *kept("uid-2", "2026-01-02T00:00:00Z"),
]


def test_kept_results_have_neither_an_owner_nor_the_labels_of_a_cleanup() -> None:
    [item] = kept("uid-1", "")
    assert "ownerReferences" not in item["metadata"]
    assert "bench.kro.run/run" not in item["metadata"]["labels"]
    assert item["metadata"]["labels"]["bench.kro.run/benchmark"] == "web"


def test_the_oldest_runs_go_with_all_their_pieces() -> None:
    assert names_beyond(MAPS, 2) == ["web-run-uid-1", "web-run-uid-1-1"]
    assert names_beyond(MAPS, 3) == []
    assert [item["metadata"]["name"] for item in main_maps(MAPS)] == [
        "web-run-uid-1",
        "web-run-uid-2",
        "web-run-uid-3",
    ]


def test_runs_of_either_kind_are_kept_apart_under_one_name() -> None:
    [item] = kept("uid-1", "", kind=RunKind.SCALE_TEST)
    labels = item["metadata"]["labels"]
    for kind in RunKind:
        wanted = dict(part.split("=") for part in selector(kind, "web").split(","))
        assert (wanted.items() <= labels.items()) == (kind is RunKind.SCALE_TEST)
    assert main_maps([item]) == [item]


def test_runs_of_a_schedule_are_kept_together_under_its_name() -> None:
    [item] = kept("uid-1", "", of=ScheduleRef("n", "web"))
    labels = item["metadata"]["labels"]
    found = [
        kind
        for kind in KINDS
        if dict(part.split("=") for part in selector(kind, "web").split(",")).items()
        <= labels.items()
    ]
    assert found == ["KroBenchmarkSchedule"]
    assert main_maps([item]) == [item]
