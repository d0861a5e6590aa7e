from typing import Any

import pytest
from unit.controller.world import SCALE_SPEC, World

from krobench.api.kinds import RunKind
from krobench.api.status import Phase
from krobench.controller.limits import LIMIT_EXCEEDED, Limits
from krobench.controller.settings import Settings, SettingsError

TEST: dict[str, Any] = {"name": "a", "workload": {"scenario": "single", "instances": 100}}


def spec(kind: RunKind, **changes: Any) -> Any:
    base = {"tests": [TEST | changes]} if kind is RunKind.BENCHMARK else SCALE_SPEC | changes
    return kind.spec.model_validate(base)


OPEN = {"arrival": "constant", "rate": 50}
LONG = {"timeout": "10h", "iterations": 10}


@pytest.mark.parametrize(
    ("kind", "changes", "limit", "field"),
    [
        (RunKind.BENCHMARK, LONG, {"duration": "8h"}, "spec.defaults.timeout"),
        (RunKind.BENCHMARK, {}, {"instances": 99}, "spec.tests[0].workload.instances is 100"),
        (RunKind.BENCHMARK, {"load": OPEN}, {"rate": 49}, "spec.tests[0].load.rate is 50"),
        (
            RunKind.BENCHMARK,
            {"phases": [{"operation": "create", "load": OPEN}]},
            {"rate": 49},
            "spec.tests[0].phases[0].load.rate is 50",
        ),
        (RunKind.BENCHMARK, {"load": {"shards": 3}}, {"shards": 2}, "spec.tests[0].load.shards"),
        (RunKind.BENCHMARK, {"iterations": 50}, {"resultBytes": 300_000}, "spec.tests: the"),
        (
            RunKind.SCALE_TEST,
            {"budget": {"duration": "20h"}},
            {"duration": "19h"},
            "spec.budget.duration",
        ),
        (RunKind.SCALE_TEST, {}, {"instances": 39}, "spec.sizes.values is 40"),
        (
            RunKind.SCALE_TEST,
            {"axis": "arrivalRate", "load": OPEN, "sizes": {"from": 1, "to": 60}},
            {"rate": 59},
            "spec.sizes.to is 60",
        ),
    ],
)
def test_a_spec_beyond_a_limit_is_refused_by_field_limit_and_who_sets_it(
    kind: RunKind, changes: dict[str, Any], limit: dict[str, Any], field: str
) -> None:
    run = spec(kind, **changes)
    assert Limits().check(run) == ()
    [error] = Limits.parse(limit).check(run)
    [(name, value)] = limit.items()
    assert error.reason == LIMIT_EXCEEDED
    assert error.message.startswith(field)
    assert f"limits.{name}" in error.message
    assert str(value) in error.message
    assert "administrator" in error.message


@pytest.mark.parametrize("text", ["[]", "{", '{"hours": 3}', '{"rate": 0}', '{"duration": "3"}'])
def test_limits_that_are_none_stop_the_operator_by_the_variables_name(text: str) -> None:
    required = {"KROBENCH_NAMESPACE": "n", "KROBENCH_IMAGE": "i"}
    with pytest.raises(SettingsError, match="KROBENCH_LIMITS"):
        Settings.from_environment(required | {"KROBENCH_LIMITS": text})


@pytest.mark.parametrize("kind", RunKind)
def test_a_suspended_run_waits_outside_of_the_queue_until_it_is_resumed(kind: RunKind) -> None:
    world = World(kind)
    own = world.observe().run.spec
    assert own is not None
    plain = own.model_dump(by_alias=True, mode="json", exclude_unset=True)
    world.spec = plain | {"suspend": True}
    world.settle()
    assert world.status.phase is Phase.SUSPENDED
    assert world.loads_created == 0
    assert not world.observe().run.waits
    conditions = {each.type: each.status for each in world.status.conditions}
    assert (conditions["Suspended"], conditions["Reconciling"]) == ("True", "False")
    assert "Ready" not in conditions
    assert ("Suspended", "") in world.events
    world.spec = plain
    world.settle()
    assert world.status.phase is Phase.RUNNING
    assert {e.type: e.status for e in world.status.conditions}["Suspended"] == "False"
    assert world.loads_created == 1
