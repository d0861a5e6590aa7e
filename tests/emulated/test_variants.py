"""A run with variants from end to end; what changes kro itself is only written down."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from doubles.cluster import QUICK, MemoryCluster
from emulated.test_load import quick, run_suite
from emulated.test_profiles import FakePprof

from krobench.api.common import TEST_LABEL
from krobench.figures.reasons.load import RgdsExistedBefore
from krobench.load.lifecycle import RGDS_PATH
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.kro.variants import KroVariants
from krobench.record.run import RunRecord, RunState

assert quick  # a fixture that is used here too

VARIANTS = [{"name": "one"}, {"name": "two", "args": ["--workers=2"]}]
TEST = {"name": "a", "workload": {"scenario": "single", "instances": 3}}


class Log:
    """What was done to kro, in order."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.fails_at: list[str] = []
        """What was done when kro does not start."""


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    made = Log()
    current: list[tuple[str, int | None] | None] = [None]

    async def enter(variants: KroVariants, name: str | None, visit: int | None = None) -> bool:
        applied = current[0]
        if name is None or (applied and applied[0] == name and visit in (None, applied[1])):
            return False
        await variants._announce(name)
        current[0] = name, visit
        made.entries.append(name)
        if made.entries == made.fails_at:
            raise AbortedError("VariantNotStarted", "kro did not start")
        return True

    async def leave(_: KroVariants) -> list[str]:
        made.entries.append("left")
        return []

    def nothing(word: str) -> Callable[..., object]:
        async def method(_: KroVariants) -> None:
            made.entries.append(word)

        return method

    async def check(_: KroVariants) -> None:
        assert current[0] is not None

    monkeypatch.setattr(KroVariants, "enter", enter)
    monkeypatch.setattr(KroVariants, "leave", leave)
    monkeypatch.setattr(KroVariants, "check", check)
    monkeypatch.setattr(KroVariants, "find", nothing("found"))
    monkeypatch.setattr(KroVariants, "settle", nothing("settled"))
    return made


async def varied(*profiles: str, **defaults: int) -> RunRecord:
    return await run_suite(
        MemoryCluster(),
        [TEST],
        variants=VARIANTS,
        defaults=defaults,
        collect={"profiles": profiles},
    )


async def varied_for(duration: str) -> RunRecord:
    return await run_suite(
        MemoryCluster(),
        [TEST],
        variants=VARIANTS,
        defaults={"warmup": 0},
        decide={"minimumEffect": "90%", "maxDuration": duration},
    )


async def test_variants_run_in_blocks_and_kro_is_left_before_the_clean_up(log: Log) -> None:
    record = await varied(iterations=3, warmup=1)
    found, *entered, left, settled = log.entries
    assert (found, left, settled) == ("found", "left", "settled")
    blocks = [sorted(entered[at : at + 2]) for at in (0, 2, 4)]
    assert blocks == [["one", "two"]] * 3, "each is started once in a block"
    one, two = record.tests
    assert (one.name, one.variant, one.spec_name) == ("a.one", "one", "a")
    for test in (one, two):
        assert [(i.visit, i.warmup) for i in test.iterations] == [
            (block, warmup) for block in range(3) for warmup in (True, False)
        ]
        assert test.success
    [comparison] = record.variant_comparisons
    assert (comparison.old, comparison.new, comparison.refused) == ("one", "two", None)
    assert record.progress.iterations_done == record.progress.iterations_planned == 12


async def test_a_run_that_decides_ends_at_a_look_or_when_its_time_is_over(log: Log) -> None:
    record = await varied_for("1m")
    one, _ = record.tests
    assert one.success
    assert one.planned_iterations == len(one.iterations) in (8, 12, 16, 20, 24)
    [comparison] = record.variant_comparisons
    assert len(comparison.old_runs) == one.planned_iterations
    assert comparison.most_blocks == 24
    assert log.entries.count("one") == one.planned_iterations
    assert record.progress.iterations_done == record.progress.iterations_planned


async def test_kro_is_restored_if_a_variant_does_not_start(log: Log) -> None:
    log.fails_at = ["found", "one", "two"]
    with pytest.raises(AbortedError, match="VariantNotStarted"):
        await varied(iterations=1, warmup=0)
    assert log.entries == ["found", "one", "two", "left"]


async def test_a_variant_that_does_not_start_to_be_profiled_takes_nothing_from_the_results(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("krobench.loadjob.profiling.Pprof", FakePprof)
    log.fails_at = ["found", "one", "two", "one"]
    record = await varied("cpu", iterations=1, warmup=0)
    assert log.entries == ["found", "one", "two", "one", "two", "left", "settled"]
    assert record.state is RunState.COMPLETED
    assert "a.one: kro was not profiled: VariantNotStarted: kro did not start" in record.warnings
    assert [test.profile is not None for test in record.tests] == [False, True]


@pytest.fixture
def two_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a run decide after two blocks."""
    monkeypatch.setattr("krobench.program.blocks.LOOKS", (2,))
    monkeypatch.setattr("krobench.program.blocks.decided", lambda *_: True)


async def decided(cluster: MemoryCluster) -> RunRecord:
    tests = [{"name": name, "workload": {"scenario": "single", "instances": 3}} for name in "ab"]
    return await run_suite(
        cluster,
        tests,
        timing=replace(QUICK, rejection_grace=0.01),
        variants=VARIANTS,
        decide={"minimumEffect": "90%", "maxDuration": "5m"},
        defaults={"warmup": 1},
    )


@pytest.mark.usefixtures("log", "two_blocks")
async def test_tests_share_their_rgds_while_a_variant_runs() -> None:
    cluster = MemoryCluster()
    record = await decided(cluster)
    visits = 2 * len(VARIANTS)
    assert cluster.asked.count(("create", RGDS_PATH)) == 2 * visits
    for test in record.tests:
        assert test.success
        for iteration in test.iterations:
            assert iteration.latency.rgd_ready is None
            for name in ("latency.rgdReady", "duration.setUpSeconds", "setUp.kro.cpu.seconds"):
                assert iteration.unavailable[name] == RgdsExistedBefore()
    assert record.orphans is not None
    assert record.orphans.count == 0
    assert not [path for path in cluster.objects if "/kro.run/" in path]


class Slow(MemoryCluster):
    """A cluster whose namespaces go once the next variant was started, or after half a second."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log
        self.started_meanwhile: list[int] = []

    def _remove(self, path: str) -> None:
        if not path.startswith("/api/v1/namespaces/") or self.objects[path]["kind"] != "Namespace":
            super()._remove(path)
        elif not self.objects[path].get("status"):
            self.put(path, self.objects[path] | {"status": {"phase": "Terminating"}})
            self._look(path, len(self.log.entries), 50)

    def _look(self, path: str, before: int, times: int) -> None:
        started = len(self.log.entries) - before
        if started or not times:
            self.started_meanwhile.append(started)
            super()._remove(path)
        else:
            asyncio.get_running_loop().call_later(0.01, self._look, path, before, times - 1)


@pytest.mark.usefixtures("two_blocks")
async def test_the_next_variant_starts_while_the_namespace_of_the_last_one_goes(log: Log) -> None:
    cluster = Slow(log)
    record = await decided(cluster)
    assert all(test.success for test in record.tests)
    assert cluster.started_meanwhile == [1, 1, 1, 0]
    teardowns = [test.iterations[-1].teardown for test in record.tests]
    assert all(each is None or each.done for each in teardowns)


class Picky(MemoryCluster):
    """A cluster whose kro rejects the RGDs of one test."""

    def react(self, verb: str, path: str) -> None:
        labels = self.objects.get(path, {}).get("metadata", {}).get("labels") or {}
        if labels.get(TEST_LABEL) != "b.two" or not path.startswith(RGDS_PATH):
            super().react(verb, path)
        elif verb == "create":
            rejected = {"type": "GraphAccepted", "status": "False", "message": "no such field"}
            self.put(path, self.objects[path] | {"status": {"conditions": [rejected]}})


@pytest.mark.usefixtures("log", "two_blocks")
async def test_an_rgd_that_kro_rejects_fails_its_own_test_alone() -> None:
    record = await decided(Picky())
    errors = {test.name: test.error and test.error.reason for test in record.tests}
    assert errors == {"a.one": None, "a.two": None, "b.one": None, "b.two": "RGDRejected"}
    rejected = record.tests[3]
    assert len(rejected.iterations) == 1
    assert not record.warnings
