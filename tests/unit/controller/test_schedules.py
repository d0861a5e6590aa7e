from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.controller.schedules import (
    EACH_MINUTE,
    KRO,
    START,
    TEMPLATE,
    CrashError,
    ScheduleWorld,
)
from unit.controller.world import SCALE_SPEC, SPEC

from krobench.api.common import ErrorInfo, parse_rfc3339, rfc3339
from krobench.api.refusal import FieldError
from krobench.api.status import Trigger, Verdict
from krobench.controller.schedules.cron import Cron
from krobench.controller.schedules.decide import decide, next_look, run_name


def test_a_run_starts_at_each_scheduled_minute_under_a_name_with_it() -> None:
    world = ScheduleWorld()
    world.look()
    assert world.created == []
    assert world.status.next_schedule_time == "2026-11-29T12:01:00Z"
    for minute in (1, 2, 3):
        world.now = START.replace(minute=minute, second=2)
        world.look()
        due = START.replace(minute=minute, second=0)
        assert world.created[-1] == run_name("nightly", Trigger.SCHEDULE, due)
        assert world.condition["Ready"] == ("True", "RunActive")
        world.finish()
        world.look()
    assert len(world.created) == 3
    newest = world.status.runs[0]
    assert (newest.verdict, newest.headline, newest.kro_version) == (
        "Passed",
        "ready p99 412 ms",
        "0.9.4",
    )
    assert [world.status.verdict, world.status.kro_version] == ["Passed", "0.9.4"]
    assert world.status.last_schedule_time == "2026-11-29T12:03:00Z"


def test_missed_times_start_one_run_and_are_counted_in_an_event() -> None:
    world = ScheduleWorld()
    world.look()
    world.wait(minutes=10)
    world.look()
    assert len(world.created) == 1
    assert world.status.runs[0].time == "2026-11-29T12:10:00Z"
    [message] = [text for (reason, _), text in world.events.items() if reason == "MissedTimes"]
    assert "9" in message


def test_a_run_that_would_be_too_late_is_skipped() -> None:
    world = ScheduleWorld({**TEMPLATE, "schedule": "0 * * * *", "startingDeadlineSeconds": 60})
    world.look()
    world.now = START.replace(hour=15, minute=30)
    world.look()
    assert world.created == []
    assert "MissedTimes" in world.reasons
    world.now = START.replace(hour=16, minute=0, second=50)
    world.look()
    assert len(world.created) == 1


def test_forbid_waits_for_the_active_run() -> None:
    world = ScheduleWorld()
    world.look()
    world.wait(minutes=1)
    world.look()
    world.wait(minutes=3)
    world.look()
    assert len(world.created) == 1
    assert world.condition["Ready"] == ("True", "WaitsForActiveRun")
    world.finish()
    world.look()
    assert len(world.created) == 2
    assert world.status.runs[0].time == "2026-11-29T12:04:00Z"


def test_replace_deletes_the_active_run() -> None:
    world = ScheduleWorld({**EACH_MINUTE, "concurrencyPolicy": "Replace"})
    world.look()
    world.wait(minutes=1)
    world.look()
    world.wait(minutes=1)
    world.look()
    assert list(world.runs) == [world.created[1]]
    assert [run.verdict for run in world.status.runs] == [None, "Deleted"]
    assert world.status.consecutive_failures == 0


def test_suspend_starts_nothing_but_what_a_user_asks_for() -> None:
    world = ScheduleWorld({**EACH_MINUTE, "suspend": True})
    world.wait(minutes=5)
    world.look()
    assert world.created == []
    assert world.condition["Suspended"] == ("True", "Suspended")
    assert world.condition["Ready"] == ("True", "Suspended")
    assert world.status.next_schedule_time is None
    world.change(runOnce="now")
    world.look()
    assert [name.rpartition("-")[2] for name in world.created] == ["once"]
    world.finish()
    world.change(suspend=False)
    world.look()
    assert len(world.created) == 2, "the times meanwhile count as missed"
    assert world.condition["Suspended"][0] == "False"


def test_run_once_starts_a_run_for_each_new_value() -> None:
    world = ScheduleWorld({**TEMPLATE, "runOnce": "a"})
    for value in ("a", "b", "a"):
        world.change(runOnce=value)
        world.look()
        world.look()
        world.finish()
        world.look()
    assert len(set(world.created)) == 3
    assert world.status.last_schedule_time == rfc3339(world.now), "not the minute in its name"
    assert world.status.last_run_once is not None
    assert world.status.last_run_once.run == world.created[-1]


def test_a_changed_schedule_counts_from_the_change() -> None:
    world = ScheduleWorld({**TEMPLATE, "schedule": "0 3 * * *"})
    world.look()
    world.wait(hours=2)
    world.change(schedule="0 13 * * *")  # an hour ago
    world.look()
    assert world.created == []
    assert world.status.next_schedule_time == "2026-11-30T13:00:00Z"


def test_a_change_of_kro_starts_a_run_once_it_has_settled() -> None:
    world = ScheduleWorld({**TEMPLATE, "onKroChange": {"settle": "1m"}}, kro=KRO)
    world.look()
    world.wait(minutes=5)
    world.look()
    assert world.created == [], "kro has not changed yet"
    world.kro = None  # it is rolled out
    world.look()
    world.kro = KRO.model_copy(update={"flags": "other"})
    world.look()
    world.wait(seconds=40)
    world.kro = world.kro.model_copy(update={"image": "kro:0.9.5", "version": "0.9.5"})
    world.look()
    world.wait(seconds=40)
    world.look()
    assert world.created == [], "it has changed again"
    world.wait(seconds=40)
    world.look()
    [name] = world.created
    assert name.endswith("-kro")
    change = world.status.last_kro_change
    assert change is not None
    assert (change.changed, change.run, change.version) == (["image"], name, "0.9.5")
    world.finish()
    world.wait(hours=5)
    world.look()
    assert len(world.created) == 1


def test_settings_of_a_variant_are_no_change_of_kro() -> None:
    world = ScheduleWorld({**TEMPLATE, "onKroChange": {}}, kro=KRO)
    world.look()
    for kro in (None, KRO):  # as it is seen while a variant is in force, and after that
        world.kro = kro
        world.wait(minutes=10)
        world.look()
    assert world.created == []


def test_failures_in_a_row_stop_the_schedule_until_its_spec_changes() -> None:
    world = ScheduleWorld({**EACH_MINUTE, "stopAfterFailures": 2})
    world.look()
    for verdict in (Verdict.FAILED, Verdict.PASSED, Verdict.INVALID, Verdict.ERROR):
        world.wait(minutes=1)
        world.look()
        world.finish(verdict)
        world.look()
    world.wait(minutes=5)
    world.look()
    assert len(world.created) == 4
    assert world.condition["Stalled"] == ("True", "TooManyFailures")
    assert world.condition["Suspended"] == ("True", "TooManyFailures")
    world.change(suspend=False)
    world.look()
    assert len(world.created) == 5
    assert world.status.consecutive_failures == 0


def test_finished_runs_are_kept_up_to_the_limits() -> None:
    limits = {"successfulRunsHistoryLimit": 1, "failedRunsHistoryLimit": 2}
    world = ScheduleWorld({**EACH_MINUTE, **limits})
    world.look()
    passed, failed = Verdict.PASSED, Verdict.FAILED
    for verdict in (passed, failed, passed, failed, failed, passed, *[failed] * 8):
        world.wait(minutes=1)
        world.look()
        world.finish(verdict)
        world.look()
    assert list(world.runs) == [world.created[5], *world.created[-2:]]
    assert len(world.status.runs) == 10
    assert world.status.consecutive_failures == 8


def test_more_runs_are_kept_than_listed_and_each_end_counts_once() -> None:
    world = ScheduleWorld({**EACH_MINUTE, "failedRunsHistoryLimit": 50})
    world.look()
    for _ in range(15):
        world.wait(minutes=1)
        world.look()
        world.finish(Verdict.FAILED)
        world.look()
    assert world.status.consecutive_failures == 15


def test_a_clock_that_goes_back_is_reported_and_the_schedule_goes_on() -> None:
    world = ScheduleWorld()
    world.look()
    world.wait(days=400)
    world.look()
    world.finish()
    world.look()
    world.now = START + timedelta(minutes=2)
    world.look()
    assert "ClockWentBack" in world.reasons
    world.wait(minutes=1)
    world.look()
    assert len(world.created) == 2


def test_a_run_that_did_not_pass_is_listed_with_the_reason() -> None:
    world = ScheduleWorld()
    world.wait(minutes=1)
    world.look()
    name = world.finish(Verdict.ERROR, "spec.benchmarkTemplate.spec.baseline: no such ConfigMap")
    world.look()
    assert "no such ConfigMap" in (world.status.runs[0].message or "")
    assert "no such ConfigMap" in world.events["RunFinished", name]
    world.wait(minutes=1)
    world.look()
    world.finish(Verdict.FAILED, "x" * 1000)
    world.look()
    assert len(world.status.runs[0].message or "") < 300
    world.wait(minutes=1)
    world.look()
    world.finish(message="measured 1 test")
    world.look()
    assert world.status.runs[0].message is None


def test_a_refused_run_is_a_condition_and_stays_due() -> None:
    world = ScheduleWorld(refused=ErrorInfo(reason="RunRefused", message="no"))
    world.look()
    world.wait(minutes=1)
    world.look()
    assert world.condition["Stalled"] == ("True", "RunRefused")
    world.refused = None
    world.look()
    assert len(world.created) == 1
    assert world.condition["Stalled"][0] == "False"


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"schedule": "61 * * * *"}, "InvalidSchedule", "spec.schedule"),
        ({"schedule": "0 0 30 2 *"}, "InvalidSchedule", "spec.schedule"),
        ({"schedule": "0 3 * *"}, "InvalidSpec", "spec.schedule"),
        (
            {"benchmarkTemplate": {"metadata": {"labels": {"a b": "c"}}, "spec": SPEC}},
            "InvalidSpec",
            "spec.benchmarkTemplate.metadata.labels.a b: must match",
        ),
        ({"timeZone": "Europe/Atlantis"}, "InvalidTimeZone", "spec.timeZone"),
        ({"timeZone": "../etc"}, "InvalidTimeZone", "spec.timeZone"),
        ({"timeZone": "Europe"}, "InvalidTimeZone", "spec.timeZone"),
        ({"scaleTestTemplate": {"spec": SCALE_SPEC}}, "InvalidSpec", "spec"),
        ({"scaleTestTemplate": {}}, "InvalidSpec", "spec: set exactly one"),
        ({"scaleTestTemplate": {"spec": {}}}, "InvalidSpec", "spec: set exactly one"),
        ({"benchmarkTemplate": None}, "InvalidSpec", "spec"),
        (
            {"benchmarkTemplate": {"spec": {"tests": [{"name": "a", "workload": {}}]}}},
            "InvalidTemplate",
            "spec.benchmarkTemplate.spec.tests[0].workload",
        ),
        (
            {
                "benchmarkTemplate": None,
                "scaleTestTemplate": {"spec": {**SCALE_SPEC, "slo": ["nonsense()"]}},
            },
            "InvalidTemplate",
            "spec.scaleTestTemplate.spec",
        ),
    ],
)
def test_what_is_wrong_is_a_condition_that_names_the_field(
    changes: dict[str, Any], reason: str, field: str
) -> None:
    raw = {key: value for key, value in {**EACH_MINUTE, **changes}.items() if value is not None}
    world = ScheduleWorld(raw)
    world.look()
    world.wait(minutes=5)
    world.look()
    assert world.created == []
    assert world.condition["Stalled"] == ("True", reason)
    assert reason in world.reasons
    assert (world.status.message or "").startswith(field)


def test_daylight_saving_is_kept() -> None:
    cron = Cron.parse("30 2 * * *", "Europe/Berlin")
    begin = datetime(2026, 3, 28, 12, tzinfo=UTC)
    times = cron.times(begin)
    assert [next(times) for _ in range(2)] == [
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),  # 02:30 does not exist, so at 03:00
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert cron.count(autumn, autumn + timedelta(days=1)) == 1


@pytest.mark.parametrize(
    ("expression", "meaning"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("0 3 ? * MON", "0 3 * * MON"),
    ],
)
def test_what_a_cron_job_takes_means_the_same(expression: str, meaning: str) -> None:
    begin = datetime(2026, 11, 29, 12, tzinfo=UTC)
    times = [islice(Cron.parse(each, "Etc/UTC").times(begin), 3) for each in (expression, meaning)]
    assert list(times[0]) == list(times[1])


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0 31 4,6 *", "no date matches"),
        ("0 0 31 2 *", "no date matches"),
        ("0 0 30 FEB *", "no date matches"),
        ("0 0 32 2 *", "day of month"),
        ("0 0 31 13 *", "its month"),
        ("@every 1h", "cron does not understand it"),
        ("TZ=UTC 0 3 * * *", "cron does not understand it"),
        ("0 3 * * 8", "day of week"),
    ],
)
def test_a_schedule_that_is_wrong_or_never_comes_is_refused(expression: str, words: str) -> None:
    with pytest.raises(FieldError, match=rf"spec\.schedule: .*{words}"):
        Cron.parse(expression, "Etc/UTC")


_EXPRESSIONS = st.sampled_from(
    ["* * * * *", "*/7 * * * *", "30 2 * * *", "0 0 29 2 *", "15 3 * * MON", "0 */2 1-7 * *"]
)
_ZONES = st.sampled_from(["Etc/UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
_MOMENTS = st.integers(0, 2 * 366 * 24 * 3600).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(_EXPRESSIONS, _ZONES, _MOMENTS, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_times_are_ordered_and_the_latest_is_one_of_them(
    expression: str, zone: str, begin: datetime, length: timedelta
) -> None:
    cron, end = Cron.parse(expression, zone), begin + length
    times = []
    for moment in cron.times(begin):
        if moment > end:
            break
        times.append(moment)
    assert times == sorted(set(times))
    assert cron.latest(begin, end) == (times[-1] if times else None)


def test_a_leap_day_of_years_ago_was_missed() -> None:
    begin, end = datetime(2024, 2, 1, tzinfo=UTC), datetime(2027, 12, 1, tzinfo=UTC)
    found = Cron.parse("0 3 29 2 *", "Etc/UTC").latest(begin, end)
    assert found == datetime(2024, 2, 29, 3, tzinfo=UTC)


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 400)),
        st.tuples(
            st.sampled_from(["finish", "fail", "delete", "suspend", "ask", "kro"]), st.just(0)
        ),
        st.tuples(st.just("crash"), st.integers(0, 3)),
    ),
    max_size=25,
)


@given(_STEPS, st.sampled_from(["Forbid", "Replace"]))
def test_no_story_creates_a_run_twice_or_two_at_once(
    steps: list[tuple[str, int]], policy: str
) -> None:
    raw = {**EACH_MINUTE, "concurrencyPolicy": policy, "onKroChange": {"settle": "10s"}}
    world = ScheduleWorld(raw, kro=KRO)
    for step, number in [("wait", 1), *steps]:
        _tell(world, step, number)
        before = len(world.created)
        try:
            world.look()
        except CrashError:
            world.crash_after = None
            world.look()  # the next operator
        active = [run for run in world.runs.values() if not run.finished]
        assert len(active) <= 1
        if policy == "Forbid":
            assert len(world.created) - before <= 1, "one run makes up for all missed times"
    listed = [run.name for run in world.status.runs]
    assert len(listed) == len(set(listed))
    for run in world.status.runs:
        assert parse_rfc3339(run.time) <= world.now + timedelta(minutes=10)


@given(_STEPS, st.sampled_from(["Forbid", "Replace"]), st.booleans(), st.floats(0, 1))
def test_there_is_nothing_to_do_before_the_next_look(
    steps: list[tuple[str, int]], policy: str, deadline: bool, share: float
) -> None:
    raw = {**EACH_MINUTE, "concurrencyPolicy": policy, "onKroChange": {"settle": "20s"}}
    if deadline:
        raw = {**raw, "schedule": "*/3 * * * *", "startingDeadlineSeconds": 30}
    world = ScheduleWorld(raw, kro=KRO)
    for step, number in [("wait", 1), *steps]:
        if step != "crash":
            _tell(world, step, number)
        world.look()
        seen = world.seen()
        following = next_look(seen)
        if following is None:
            following = world.now + timedelta(days=1)
        between = world.now + share * (following - world.now - timedelta(seconds=1))
        if between > world.now:
            assert decide(replace(seen, now=between)) == []


def _tell(world: ScheduleWorld, step: str, number: int) -> None:
    active = any(not run.finished for run in world.runs.values())
    match step:
        case "wait":
            world.wait(seconds=number)
        case "finish" | "fail" if active:
            world.finish(Verdict.PASSED if step == "finish" else Verdict.FAILED)
        case "delete":
            world.delete_active()
        case "suspend":
            world.change(suspend=not world.raw.get("suspend"))
        case "ask":
            world.change(runOnce=f"request {world.generation}")
        case "kro":
            world.kro = KRO.model_copy(update={"flags": f"{world.now}"})
        case "crash":
            world.crash_after = number
