import math
from collections.abc import Sequence

from unit.analysis.validity.moments import moment, pod

from krobench.analysis.validity.krochanges import (
    apart,
    causes_of_kro,
    causes_of_kro_around,
    unexpected,
)
from krobench.figures.environment import Moment, Replacement
from krobench.figures.summaries import KroRestart
from krobench.findings.validity import (
    AnyCause,
    ContainerRestarted,
    KroReconfigured,
    PodReplaced,
    SettingChange,
)

FIRST = moment(0.0)
ARGS = SettingChange(name="args", before=["--a=1"], after=["--a=2"])


def around(moments: Sequence[Moment], replacements: Sequence[Replacement]) -> list[AnyCause]:
    return causes_of_kro_around(FIRST, moments, replacements)


def causes(*moments: Moment, first: Moment | None = FIRST) -> list[str]:
    return [cause.reason for cause in causes_of_kro(first, moments)]


def changes(*moments: Moment) -> list[SettingChange]:
    found = causes_of_kro(FIRST, moments)
    return [each for cause in found if isinstance(cause, KroReconfigured) for each in cause.changes]


def test_an_unchanged_kro_is_not_a_cause() -> None:
    assert causes(FIRST, moment(3.0), moment(6.0)) == []
    assert causes(moment(3.0), first=None) == []


def test_restarts_from_before_the_run_do_not_count() -> None:
    before = pod(restarts=3, last_end="OOMKilled, exit code 137")
    assert causes(moment(0.0, before), moment(3.0, before)) == []


def test_a_restarted_container_has_how_it_ended() -> None:
    after = moment(3.0, pod(restarts=1, last_end="Error, exit code 2"), leader="kro-1_y")
    [cause] = causes_of_kro(FIRST, [FIRST, after])  # the new leader follows from the restart
    assert cause == ContainerRestarted(
        pod="kro-1",
        last_end="Error, exit code 2",
        at_seconds=3.0,
        restarts_before=0,
        restarts_after=1,
        memory_limit="256Mi",
    )
    assert cause.reason == "KroRestarted"


def test_an_oom_kill_is_a_reason_of_its_own_and_has_the_limit() -> None:
    after = moment(3.0, pod(restarts=1, last_end="OOMKilled, exit code 137"))
    [cause] = causes_of_kro(FIRST, [FIRST, after])
    assert isinstance(cause, ContainerRestarted)
    assert (cause.reason, cause.memory_limit) == ("KroOOMKilled", "256Mi")


def test_a_pod_that_another_replaced_is_a_restart() -> None:
    after = moment(3.0, pod("2"), leader="kro-2_y")
    [cause] = causes_of_kro(FIRST, [FIRST, after])
    assert cause == PodReplaced(pod="kro-1", at_seconds=3.0, successors=["kro-2"])
    assert cause.reason == "KroRestarted"


def test_another_leader_without_a_restart_is_a_cause_of_its_own() -> None:
    pods = (pod("1"), pod("2"))
    moments = [
        moment(0.0, *pods),
        moment(3.0, *pods, leader=None),
        moment(6.0, *pods, leader="kro-2_y"),
    ]
    assert causes(*moments, first=moments[0]) == ["KroLeaderChanged"]


def test_a_replica_that_takes_over_is_a_cause_beside_the_restart() -> None:
    pods = (pod("1"), pod("2"))
    moments = [moment(0.0, *pods), moment(3.0, pod("2"), pod("3"), leader="kro-2_y")]
    assert causes(*moments, first=moments[0]) == ["KroRestarted", "KroLeaderChanged"]


def test_changed_settings_are_found_even_if_they_were_restored() -> None:
    changed = moment(3.0, pod("2", args=["--a=2"]))
    back = moment(6.0, pod("3"))
    assert causes(FIRST, changed, back) == ["KroReconfigured", "KroRestarted", "KroRestarted"]
    assert changes(FIRST, changed, back) == [ARGS]


def test_an_image_is_known_by_its_hash_and_a_pod_that_waits_has_none_yet() -> None:
    first = moment(0.0, pod(image_id="x@sha256:1"))
    assert causes(moment(3.0, pod("2", image_id=None)), first=first) == []
    assert causes(moment(3.0, pod("2", image_id="x@sha256:2")), first=first) == ["KroReconfigured"]


def test_more_replicas_are_changed_settings_except_in_a_rollout() -> None:
    scaled = moment(3.0, pod("1"), pod("2"))
    assert causes(FIRST, scaled) == ["KroReconfigured"]
    assert changes(FIRST, scaled) == [SettingChange(name="replicas", before=["1"], after=["2"])]
    rolled_out = moment(6.0, pod("2"), leader="kro-2_y")
    assert "KroReconfigured" not in causes(FIRST, scaled, rolled_out)


def test_a_rollout_in_progress_is_changed_settings_and_not_more_replicas() -> None:
    rolling_out = moment(3.0, pod("1"), pod("2", args=["--a=2"]))
    assert causes(FIRST, rolling_out) == ["KroReconfigured"]
    assert changes(FIRST, rolling_out) == [ARGS]


RESTART = Replacement(10.0, 20.0, frozenset({"kro-2"}))
NEW = pod(uid="2")


def test_a_phase_that_replaces_kro_is_not_a_cause_and_what_happens_after_it_is() -> None:
    restarted = [moment(9.0), moment(12.0, leader=None), moment(21.0, NEW, leader="kro-2_y")]
    pieces = apart(restarted, [RESTART])
    assert [each.seconds for piece in pieces for each in piece] == [9.0, 21.0]
    assert [cause for piece in pieces for cause in causes_of_kro(FIRST, piece)] == []
    crashed = moment(24.0, pod(uid="2", restarts=1), leader="kro-2_y")
    [_, after] = apart([*restarted, crashed], [RESTART])
    assert causes(*after) == ["KroRestarted"]


def test_only_the_pods_that_a_phase_made_are_expected_to_take_over() -> None:
    expected = KroRestart(seconds=15.0, pod="kro-2", previous_pod="kro-1")
    crash = KroRestart(seconds=18.0, pod="kro-2")
    another = KroRestart(seconds=30.0, pod="kro-3", previous_pod="kro-2")
    assert unexpected([expected, crash, another], [RESTART]) == [crash, another]
    assert unexpected([expected], []) == [expected]


def test_after_an_upgrade_kro_is_compared_with_what_it_was_upgraded_to() -> None:
    upgrade = Replacement(10.0, 20.0, frozenset({"kro-2"}), changed=True)
    new = pod(uid="2", image="kro:2")
    moments = [moment(9.0), moment(21.0, new, leader="kro-2_y")]
    assert [cause.reason for cause in around(moments, [upgrade])] == []
    changed = moment(24.0, pod(uid="2", image="kro:3"), leader="kro-2_y")
    assert [c.reason for c in around([*moments, changed], [upgrade])] == ["KroReconfigured"]
    failed = Replacement(10.0, math.inf, frozenset(), changed=True)
    assert around([*moments, changed], [failed]) == []
