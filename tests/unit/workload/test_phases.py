from collections import Counter
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.suite import Test
from krobench.workload.blueprint import WorkloadError
from krobench.workload.phases import Action, PhasePlan, PlannedOperation, count_created, plan_phases
from krobench.workload.testplan import plan_tests

MIX = {"operation": "mix", "count": 200, "mix": {"create": 2, "update": 5, "delete": 3}}


def steps(
    *given: dict[str, Any], instances: int = 10, rgds: int = 1, **test_spec: Any
) -> tuple[PhasePlan, ...]:
    workload = {"scenario": "single", "instances": instances, "rgds": rgds}
    spec = {"name": "t", "workload": workload, "phases": list(given), **test_spec}
    test = Test.model_validate(spec)
    return plan_phases(test, 4, "tests[0]")


def live_after(plans: tuple[PhasePlan, ...]) -> set[int]:
    """Carry the operations out; each must be on what exists."""
    live: set[int] = set()
    for operation in (operation for plan in plans for operation in plan.operations):
        match operation.action:
            case Action.CREATE:
                assert operation.target not in live
                live.add(operation.target)
            case Action.UPDATE:
                assert operation.target in live
            case Action.DELETE:
                live.remove(operation.target)
            case Action.UPDATE_RGD:
                pass
    return live


def test_without_phases_all_instances_are_created() -> None:
    [only] = steps(instances=3)
    assert only.operations == tuple(PlannedOperation(Action.CREATE, n) for n in range(3))
    assert only.schedule() is None


def test_an_update_takes_each_instance_once_and_rounds_go_on() -> None:
    _, first, second = steps(
        {"operation": "create"}, {"operation": "update"}, {"operation": "update", "count": 15}
    )
    assert [(o.target, o.round) for o in first.operations] == [(n, 1) for n in range(10)]
    rounds = Counter(o.target for o in second.operations)
    assert max(rounds.values()) - min(rounds.values()) <= 1
    assert {o.round for o in second.operations} == {2, 3}


def test_rgds_take_turns_and_each_update_has_a_number() -> None:
    *_, step = steps({"operation": "create"}, {"operation": "update-rgd", "count": 5}, rgds=2)
    assert [(o.target, o.round) for o in step.operations] == [
        (0, 1),
        (1, 1),
        (0, 2),
        (1, 2),
        (0, 3),
    ]


def test_churn_keeps_the_number_and_spreads_it_over_the_interval() -> None:
    plans = steps(
        {"operation": "create"},
        {"operation": "churn", "churn": {"share": 0.2, "interval": "8s", "rounds": 3}},
    )
    assert len(live_after(plans)) == 10
    assert count_created(plans) == 10 + 3 * 2
    times = plans[1].schedule()
    assert times is not None
    assert times[:5] == (0.0, 2.0, 4.0, 6.0, 8.0)
    assert times[-1] < 3 * 8


def test_churn_may_be_as_late_as_the_test_says() -> None:
    churn = {"operation": "churn"}
    [_, usual] = steps({"operation": "create"}, churn)
    assert (usual.load.max_send_lag_seconds, usual.load.max_in_flight) == (0.05, 256)
    bounds = {"maxSendLag": "500ms", "maxInFlight": 3}
    for load in (bounds, bounds | {"arrival": "burst", "burst": {"size": 9, "interval": "1s"}}):
        [_, other] = steps({"operation": "create"}, churn, load=load)
        assert (other.load.max_send_lag_seconds, other.load.max_in_flight) == (0.5, 3)
        assert other.schedule() == usual.schedule()


def test_a_restart_sends_nothing_and_keeps_all_instances() -> None:
    load = {"arrival": "constant", "rate": 1}
    plans = steps(
        {"operation": "create"}, {"operation": "restart"}, {"operation": "delete"}, load=load
    )
    assert (plans[1].operations, plans[1].schedule(), plans[1].last_seconds()) == ((), None, None)
    assert len(live_after(plans[:2])) == len(plans[2].operations) == 10


def test_tests_with_the_same_image_share_the_kro_that_they_are_upgraded_to() -> None:
    spec = KroBenchmarkSpec.model_validate(
        {
            "tests": [
                {
                    "name": name,
                    "workload": {"scenario": "single"},
                    "phases": [{"operation": "create"}, {"operation": "upgrade", "image": image}],
                }
                for name, image in (("a", "kro:2"), ("b", "kro:2"), ("c", "kro:3"))
            ]
        }
    )
    first, second, third = (plan.upgrade for plan in plan_tests(spec))
    assert first is not None
    assert third is not None
    assert (first.image, third.image) == ("kro:2", "kro:3")
    assert first == second
    assert first.name != third.name


@pytest.mark.parametrize("before", [{"operation": "delete"}, {"operation": "restart"}])
def test_a_restart_needs_instances_and_comes_once(before: dict[str, Any]) -> None:
    with pytest.raises(WorkloadError, match=r"tests\[0\]\.phases\[2\]"):
        steps({"operation": "create"}, before, {"operation": "restart"})


@given(
    seed=st.integers(0, 2**31 - 1),
    weights=st.tuples(*[st.integers(0, 9)] * 3).filter(any),
    instances=st.integers(1, 20),
)
def test_a_mix_is_only_on_what_exists_and_never_empties_the_cluster(
    seed: int, weights: tuple[int, int, int], instances: int
) -> None:
    mix = dict(zip(("create", "update", "delete"), weights, strict=True)) | {"seed": seed}
    step = {"operation": "mix", "count": 50, "mix": mix}
    plans = steps({"operation": "create"}, step, {"operation": "delete"}, instances=instances)
    assert len(plans[1].operations) == 50
    assert live_after(plans) == set()
    assert live_after(plans[:2])


def test_equal_seeds_give_equal_mixes_by_their_weights() -> None:
    plans = steps({"operation": "create"}, MIX, instances=100)
    again = steps({"operation": "create"}, MIX, instances=100)
    assert [plan.operations for plan in plans] == [plan.operations for plan in again]
    drawn = Counter(operation.action for operation in plans[1].operations)
    assert drawn[Action.UPDATE] == pytest.approx(100, abs=30)
    assert drawn[Action.DELETE] == pytest.approx(60, abs=30)


PHASES = st.one_of(
    st.fixed_dictionaries(
        {"operation": st.sampled_from(["create", "update", "update-rgd", "delete"])},
        optional={"count": st.integers(1, 40)},
    ),
    st.fixed_dictionaries(
        {
            "operation": st.just("churn"),
            "churn": st.fixed_dictionaries(
                {"share": st.floats(0.001, 1), "rounds": st.integers(1, 9)}
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "operation": st.just("mix"),
            "count": st.integers(1, 300),
            "mix": st.fixed_dictionaries(
                {
                    "create": st.integers(0, 9),
                    "update": st.integers(0, 9),
                    "delete": st.integers(0, 9),
                    "seed": st.integers(0, 99),
                }
            ).filter(lambda mix: any(mix[name] for name in ("create", "update", "delete"))),
        }
    ),
)


@given(phases=st.lists(PHASES, max_size=5), instances=st.integers(1, 30))
def test_what_is_counted_beforehand_holds_for_what_is_planned(
    phases: list[dict[str, Any]], instances: int
) -> None:
    first = {"operation": "create"}
    planned: list[tuple[PlannedOperation, ...]] = []
    try:
        plans = steps(first, *phases, instances=instances)
    except WorkloadError:
        assume(False)
    try:
        planned = [plan.operations for plan in plans]
    except WorkloadError:
        assert any(phase["operation"] == "mix" for phase in phases), "only chance is unforeseen"
        return
    live = created = 0
    for plan, operations in zip(plans, planned, strict=True):
        peak = live
        for operation in operations:
            created += operation.action is Action.CREATE
            live += operation.action is Action.CREATE
            live -= operation.action is Action.DELETE
            peak = max(peak, live)
        count, made = plan.count, sum(each.action is Action.CREATE for each in operations)
        assert count.operations.least <= len(operations) <= count.operations.most
        assert count.created.least <= made <= count.created.most
        assert count.left.least <= live <= count.left.most
        assert count.peak.least <= peak <= count.peak.most
        assert plan.created == made
    assert count_created(plans) == created
    if all(phase["operation"] != "mix" for phase in phases):
        assert all(plan.count.left.exact for plan in plans), "only chance is unknown beforehand"


def test_a_small_spec_with_millions_of_operations_is_refused_without_planning_them() -> None:
    churn = {"operation": "churn", "churn": {"share": 1, "rounds": 1000}}
    with pytest.raises(WorkloadError, match=r"tests\[0\].phases\[1\]: .* 20010000"):
        steps({"operation": "create"}, churn, instances=10_000)


def test_more_deletions_than_instances_are_refused_by_the_name_of_the_phase() -> None:
    with pytest.raises(WorkloadError, match=r"tests\[0\].phases\[1\]: needs 11 instances"):
        steps({"operation": "create"}, {"operation": "delete", "count": 11})
    with pytest.raises(WorkloadError, match=r"phases\[2\].*leave 0"):
        steps({"operation": "create"}, {"operation": "delete"}, {"operation": "update"})


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"operation": "mix"}, "set the number of operations"),
        ({"operation": "create", "churn": {}}, "set churn only with"),
        ({"operation": "create", "mix": {}}, "set mix only with"),
        ({"operation": "churn", "count": 3}, "leave out count and load"),
        ({"operation": "delete", "values": {"a": 1}}, "only with operation update or mix"),
        ({"operation": "mix", "count": 1, "mix": {"create": 0, "update": 0, "delete": 0}}, "above"),
        ({"operation": "churn", "churn": {"interval": "1ms"}}, "between 100ms and 1h"),
    ],
)
def test_what_does_not_fit_together_is_refused(bad: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        steps({"operation": "create"}, bad)


def test_the_first_phase_creates() -> None:
    with pytest.raises(ValueError, match="must have operation create"):
        steps({"operation": "update"})
