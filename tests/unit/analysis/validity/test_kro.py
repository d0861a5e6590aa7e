from unit.analysis.validity.moments import moment, pod

from krobench.analysis.validity.kro import causes_of_kro
from krobench.figures.surroundings import Moment

FIRST = moment(0.0)


def causes(*moments: Moment, first: Moment | None = FIRST) -> list[str]:
    return [cause.reason for cause in causes_of_kro(first, moments)]


def text(*moments: Moment) -> str:
    return " ".join(cause.message for cause in causes_of_kro(FIRST, moments))


def test_a_kro_that_stays_as_it_was_is_no_cause() -> None:
    assert causes(FIRST, moment(3.0), moment(6.0)) == []
    assert causes(moment(3.0), first=None) == []


def test_restarts_from_before_the_run_do_not_count() -> None:
    before = pod(restarts=3, last_end="OOMKilled, exit code 137")
    assert causes(moment(0.0, before), moment(3.0, before)) == []


def test_a_container_that_ended_is_named_with_how_it_did() -> None:
    after = moment(3.0, pod(restarts=1, last_end="Error, exit code 2"), leader="kro-1_y")
    assert causes(FIRST, after) == ["KroRestarted"], "the new leader follows from the restart"
    assert "(Error, exit code 2)" in text(FIRST, after)
    assert "restarts went from 0 to 1" in text(FIRST, after)


def test_one_that_was_killed_for_want_of_memory_is_told_with_its_limit() -> None:
    after = moment(3.0, pod(restarts=1, last_end="OOMKilled, exit code 137"))
    assert causes(FIRST, after) == ["KroOOMKilled"]
    assert "its memory limit is 256Mi" in text(FIRST, after)


def test_a_pod_that_another_replaced_is_a_restart() -> None:
    after = moment(3.0, pod("2"), leader="kro-2_y")
    assert causes(FIRST, after) == ["KroRestarted"]
    assert "kro-1 was gone at 3.0s of the run, kro-2 took its place" in text(FIRST, after)


def test_another_leader_without_a_restart_is_a_cause_of_its_own() -> None:
    pods = (pod("1"), pod("2"))
    moments = [
        moment(0.0, *pods),
        moment(3.0, *pods, leader=None),
        moment(6.0, *pods, leader="kro-2_y"),
    ]
    assert causes(*moments, first=moments[0]) == ["KroLeaderChanged"]


def test_a_replica_that_took_over_is_named_beside_the_restart_that_made_it() -> None:
    pods = (pod("1"), pod("2"))
    moments = [moment(0.0, *pods), moment(3.0, pod("2"), pod("3"), leader="kro-2_y")]
    assert causes(*moments, first=moments[0]) == ["KroRestarted", "KroLeaderChanged"]


def test_other_settings_are_named_also_where_they_were_put_back() -> None:
    changed = moment(3.0, pod("2", args=["--a=2"]))
    back = moment(6.0, pod("3"))
    assert causes(FIRST, changed, back) == ["KroReconfigured", "KroRestarted", "KroRestarted"]
    assert "args: --a=1 → --a=2" in text(FIRST, changed, back)


def test_an_image_is_known_by_its_hash_and_a_pod_that_waits_has_none_yet() -> None:
    first = moment(0.0, pod(image_id="x@sha256:1"))
    assert causes(moment(3.0, pod("2", image_id=None)), first=first) == []
    assert causes(moment(3.0, pod("2", image_id="x@sha256:2")), first=first) == ["KroReconfigured"]


def test_more_replicas_are_other_settings_but_not_in_a_rollout() -> None:
    scaled = moment(3.0, pod("1"), pod("2"))
    assert causes(FIRST, scaled) == ["KroReconfigured"]
    assert "replicas: 1 → 2" in text(FIRST, scaled)
    rolled_out = moment(6.0, pod("2"), leader="kro-2_y")
    assert "KroReconfigured" not in causes(FIRST, scaled, rolled_out)


def test_a_rollout_that_goes_on_is_told_by_its_settings_and_not_as_more_replicas() -> None:
    rolling_out = moment(3.0, pod("1"), pod("2", args=["--a=2"]))
    assert causes(FIRST, rolling_out) == ["KroReconfigured"]
    assert "args: --a=1 → --a=2" in text(FIRST, rolling_out)
    assert "replicas" not in text(FIRST, rolling_out)
