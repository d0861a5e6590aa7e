"""A run with variants from end to end; what changes kro itself is only written down."""

from collections.abc import Callable

import pytest
from doubles.cluster import MemoryCluster
from emulated.test_load import quick, run_suite
from emulated.test_profiles import FakePprof

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
    current: list[str | None] = [None]

    async def enter(variants: KroVariants, name: str | None) -> bool:
        if name == current[0] or name is None:
            return False
        await variants._announce(name)
        current[0] = name
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


async def test_variants_take_turns_and_kro_is_left_before_the_clean_up(log: Log) -> None:
    record = await varied(iterations=3, warmup=1)
    assert log.entries == ["found", "one", "two", "one", "two", "left", "settled"]
    one, two = record.tests
    assert (one.name, one.variant, one.spec_name) == ("a.one", "one", "a")
    assert [(i.visit, i.warmup) for i in one.iterations] == [
        (0, True),
        (0, False),
        (1, True),
        (1, False),
        (1, False),
    ]
    assert [i.visit for i in two.iterations] == [0, 0, 0, 1, 1]
    assert one.success
    assert two.success
    [comparison] = record.variant_comparisons
    assert (comparison.old, comparison.new, comparison.refused) == ("one", "two", None)
    assert record.progress.iterations_done == record.progress.iterations_planned == 10


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
