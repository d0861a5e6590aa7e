from unit.controller.world import record

from krobench.figures.profile import Breakdown, FunctionCost, GroupShare, TestProfile
from krobench.record.run import RunState
from krobench.report.markdown import render

CPU = Breakdown(
    unit="seconds",
    total=2.5,
    samples=250,
    groups=[
        GroupShare(group="cel-go", value=1.5, share=0.6, margin=0.061),
        GroupShare(group="other", value=1.0, share=0.4),
    ],
    top_flat=[FunctionCost(function="runtime.memmove", flat=0.5, cumulative=0.5)],
    top_cumulative=[FunctionCost(function="main.main", flat=0.0, cumulative=2.0)],
)
IN_USE = Breakdown(
    unit="bytes",
    total=3 << 20,
    samples=9,
    groups=[GroupShare(group="cel-go", value=3 << 20, share=1.0, before=5 << 20)],
)


def report(profile: TestProfile | None) -> str:
    run = record(RunState.COMPLETED)
    run.tests[0].profile = profile
    return render(run)


def test_cpu_time_is_shown_by_groups_and_functions() -> None:
    text = report(TestProfile(iteration=3, cpu_window_seconds=5.0, cpu=CPU))
    assert "## Where kro's CPU time goes" in text
    assert "| cel-go | 60 % ± 6.1 % (1.5 s) |" in text
    assert "**a**: 2.5 s of CPU time in 5 s, 250 samples." in text
    assert "| 20 % | `runtime.memmove` | 80 % | `main.main` |" in text
    assert "memory goes" not in text


def test_memory_is_shown_with_its_growth() -> None:
    allocated = CPU.model_copy(update={"unit": "bytes"})
    text = report(TestProfile(iteration=3, allocated=allocated, in_use=IN_USE))
    assert "| cel-go | 3 MiB (-2 MiB) |" in text


def test_what_is_not_available_is_said_with_the_reason() -> None:
    text = report(TestProfile(unavailable={"cpu": "kro's pprof does not answer"}))
    assert "- a, cpu: kro's pprof does not answer" in text


def test_a_run_without_profiles_has_no_section_on_them() -> None:
    assert "CPU time goes" not in report(None)
