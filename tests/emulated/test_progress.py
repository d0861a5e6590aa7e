"""What a run shows while it runs: it goes into the cluster with its progress."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from doubles.cluster import QUICK, MemoryCluster
from emulated.scaletests import scale_run
from emulated.test_load import quick, run_suite
from emulated.test_variants import TEST, VARIANTS, Log, log

from krobench.api.kinds import RunKind
from krobench.api.status import (
    KroBenchmarkStatus,
    KroScaleTestStatus,
    Phase,
    RunStatus,
)
from krobench.kube.client import JsonObject
from krobench.record.run import RunRecord, RunState
from krobench.report.status import StatusFacts, StatusLine, describe

assert quick  # fixtures that are used here too
assert log

OFTEN = replace(QUICK, progress_interval=0.02)
LASTING = {"arrival": "constant", "rate": 10}
"""A load that goes on for many times that interval."""


class Watched(MemoryCluster):
    """Keeps the statuses that the operator makes of what a run stores while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[Any] = []

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        data = body.get("data") or {}
        if isinstance(data, dict) and "run.json" in data:
            record = RunRecord.model_validate(json.loads(data["run.json"]))
            if record.state is RunState.RUNNING:
                self.statuses.append(status_of(record))
        await super().admit(verb, path, body)


def status_of(record: RunRecord) -> RunStatus:
    kind = RunKind(record.kind)
    old = KroScaleTestStatus() if kind is RunKind.SCALE_TEST else KroBenchmarkStatus()
    facts = StatusFacts(kind, 1, old, None, record, None, datetime.now(UTC))
    return describe(facts, StatusLine(Phase.RUNNING, "Running", record.progress.activity))


async def test_each_look_at_variants_is_in_the_status_while_blocks_go_on(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("krobench.program.blocks.LOOKS", (1, 2))
    decided = iter((False, True))
    monkeypatch.setattr("krobench.program.blocks.decided", lambda *_: next(decided))
    cluster = Watched()
    record = await run_suite(
        cluster,
        [TEST | {"load": LASTING}],
        timing=OFTEN,
        variants=VARIANTS,
        defaults={"warmup": 0},
        decide={"maxDuration": "1m"},
    )
    looks = [each.variants[0].message for each in cluster.statuses if each.variants]
    assert any("after 1 of at most 24 blocks" in look for look in looks)
    live = [each.live for each in cluster.statuses if each.live is not None]
    assert live
    for each in live:
        assert each.remaining_seconds is None
        assert 0 <= each.remaining_at_most_seconds <= 60
    assert log.entries.count("one") == record.tests[0].planned_iterations


async def test_a_scale_test_shows_how_long_it_takes_at_most() -> None:
    cluster = Watched()
    engine = scale_run(cluster, iterations=1)
    engine.timing = OFTEN
    await engine.run()
    live = [each.live for each in cluster.statuses if each.live is not None]
    assert live
    for each in live:
        assert each.remaining_seconds is None
        assert each.remaining_at_most_seconds >= 0
    assert live[0].remaining_at_most_seconds > live[-1].remaining_at_most_seconds


async def test_a_suite_shows_about_how_long_it_takes() -> None:
    cluster = Watched()
    test = TEST | {"load": LASTING}
    await run_suite(cluster, [test], timing=OFTEN, defaults={"iterations": 2})
    live = [each.live for each in cluster.statuses if each.live is not None]
    assert any(each.remaining_seconds is not None for each in live)
    assert all(each.remaining_at_most_seconds is None for each in live)
