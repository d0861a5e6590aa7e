from pathlib import Path

import pytest
from unit.analysis.profiling.pprofs import CPU, cpu, heap, pprof

from krobench.analysis.profiling.breakdown import cpu_breakdown, heap_breakdowns
from krobench.analysis.profiling.packagegroups import CEL, ENCODING, GC, HTTP, OTHER
from krobench.analysis.profiling.pprof import ProfileError
from krobench.figures.profile import MAX_FUNCTION_NAME, MAX_FUNCTIONS, Breakdown

DATA = Path(__file__).parent / "data"


def shares(breakdown: Breakdown) -> dict[str, float | None]:
    return {item.group: item.share for item in breakdown.groups}


def test_cpu_time_by_groups_and_functions() -> None:
    breakdown = cpu_breakdown(
        cpu(
            ("runtime.mallocgc < github.com/google/cel-go/x.Eval < main.f", 50),
            ("net.read < main.f", 30),
            ("main.f < main.f", 20),
        )
    )
    assert (breakdown.unit, breakdown.total, breakdown.samples) == ("seconds", 1.0, 100)
    assert shares(breakdown) == {CEL: 0.5, HTTP: 0.3, OTHER: 0.2}
    assert [f.function for f in breakdown.top_flat] == ["runtime.mallocgc", "net.read", "main.f"]
    # What lies outside of the groups is left out: it is their callers' or the runtime's.
    [top, *_] = breakdown.top_cumulative
    assert (top.function, top.flat, top.cumulative) == ("github.com/google/cel-go/x.Eval", 0.0, 0.5)


def test_a_function_that_calls_itself_counts_once() -> None:
    [top] = cpu_breakdown(cpu(("net.f < net.f", 20))).top_cumulative
    assert (top.flat, top.cumulative) == (0.2, 0.2)


def test_a_share_has_a_margin_that_shrinks_with_more_samples() -> None:
    def margin(ticks: int) -> float | None:
        [first, _] = cpu_breakdown(cpu(("net.f", ticks), ("encoding/json.f", ticks))).groups
        return first.margin

    # Wilson's interval of 50 out of 100 is 0.404 to 0.596.
    assert margin(50) == pytest.approx(0.096, abs=0.001)
    assert margin(5000) == pytest.approx(0.0098, abs=0.0001)


def test_a_breakdown_is_bounded() -> None:
    names = [f"net.f{index}{'x' * 500}" for index in range(100)]
    breakdown = cpu_breakdown(cpu(*((name, 1) for name in names)))
    assert len(breakdown.top_flat) == len(breakdown.top_cumulative) == MAX_FUNCTIONS
    assert {len(f.function) for f in breakdown.top_flat} == {MAX_FUNCTION_NAME}


def test_heaps_give_what_was_allocated_between_them_and_what_is_left() -> None:
    cel, json = "github.com/google/cel-go/x.New", "encoding/json.Unmarshal"
    allocated, in_use = heap_breakdowns(
        heap((cel, 1000, 400), (json, 5000, 100)), heap((cel, 1600, 500), (json, 5200, 0))
    )
    assert allocated.total == 800
    assert shares(allocated) == {CEL: 0.75, ENCODING: 0.25}
    assert in_use.total == 500
    assert [(g.group, g.value, g.before) for g in in_use.groups] == [
        (CEL, 500, 400),
        (ENCODING, 0, 100),
    ]


def test_shares_of_allocations_have_a_margin_by_the_bytes_that_go_samples() -> None:
    mib = 2**20
    grown = heap(("net.f", 25 * mib, 0), ("encoding/json.f", 25 * mib, 0))
    allocated, in_use = heap_breakdowns(heap(), grown)
    # Of 50 MiB, Go has sampled some 100.
    assert [item.margin for item in allocated.groups] == [pytest.approx(0.096, abs=0.001)] * 2
    assert all(item.margin is None for item in in_use.groups)


def test_heaps_of_two_processes_are_not_compared() -> None:
    with pytest.raises(ProfileError, match="HeapsOfTwoProcesses"):
        heap_breakdowns(heap(("a.f", 10, 1)), heap(("a.f", 5, 1)))


def test_a_profile_of_another_kind_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"OtherProfile.*cpu/nanoseconds"):
        cpu_breakdown(heap(("a.f", 10, 1)))


def test_an_idle_kro_has_no_shares() -> None:
    with pytest.raises(ProfileError, match="NoCpuTime"):
        cpu_breakdown(pprof(CPU, []))


def test_a_real_cpu_profile_gives_what_go_tool_pprof_says() -> None:
    breakdown = cpu_breakdown((DATA / "cpu.pb.gz").read_bytes())
    assert (breakdown.total, breakdown.samples) == (1.09, 109)
    first = breakdown.top_flat[0]
    assert first.function == "internal/runtime/syscall/linux.Syscall6"
    assert (first.flat, first.cumulative) == (0.13, 0.13)
    cumulative = {item.function: item.cumulative for item in breakdown.top_cumulative}
    package = "github.com/kubernetes-sigs/kro/pkg/dynamiccontroller"
    assert cumulative[f"{package}.(*DynamicController).worker"] == 0.31
    by_group = shares(breakdown)
    assert sum(share or 0.0 for share in by_group.values()) == pytest.approx(1.0, abs=0.001)
    assert {CEL, HTTP, ENCODING, GC} <= by_group.keys()
    assert (by_group[OTHER] or 0.0) < 0.05


def test_a_real_heap_profile_gives_what_go_tool_pprof_says() -> None:
    data = (DATA / "heap.pb.gz").read_bytes()
    empty = heap()
    allocated, in_use = heap_breakdowns(empty, data)
    assert allocated.total == 674275229
    assert allocated.top_flat[0].function == "k8s.io/apiserver/pkg/cel/openapi.(*Schema).Properties"
    assert allocated.top_flat[0].flat == 239200368
    assert in_use.total / 2**20 == pytest.approx(11.59, abs=0.01)
