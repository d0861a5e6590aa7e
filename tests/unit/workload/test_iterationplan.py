from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from unit.load.fakes import plan
from unit.workload.plans import RUN, first_plan, suite

from krobench.api.common import LOAD_GROUP, RUN_LABEL
from krobench.api.podmessages import SHARD_LABEL
from krobench.api.refusal import refusals
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.workload import Scenario
from krobench.workload.iterationplan import IterationPlan, plan_iteration, share_of_plan
from krobench.workload.testplan import on_kept_rgds, plan_tests


@given(instances=st.integers(1, 200), rgds=st.integers(1, 50), index=st.integers(0, 5))
def test_instances_are_spread_evenly_and_named_apart(instances: int, rgds: int, index: int) -> None:
    rgds = min(rgds, instances)
    workload = {"scenario": "wide", "instances": instances, "rgds": rgds}
    plan = plan_iteration(RUN, plan_tests(suite(test={"workload": workload}))[0], index)
    shares = [len(rgd.instances) for rgd in plan.rgds]
    assert sum(shares) == plan.instance_count == instances
    assert max(shares) - min(shares) <= 1
    names = [item["metadata"]["name"] for rgd in plan.rgds for item in rgd.instances]
    assert len(set(names)) == instances
    assert len({rgd.kind for rgd in plan.rgds}) == rgds


def test_equal_arguments_give_equal_objects() -> None:
    test = plan_tests(suite())[0]
    assert plan_iteration(RUN, test, 1) == plan_iteration(RUN, test, 1)


@pytest.mark.parametrize("scenario", list(Scenario))
def test_everything_of_a_run_can_be_found_by_label_or_prefix(scenario: Scenario) -> None:
    workload = {"scenario": scenario, "instances": 2}
    plan = first_plan(workload)
    for rgd in plan.rgds:
        assert rgd.name.startswith(RUN.prefix)
        assert rgd.group == LOAD_GROUP
        for item in (rgd.manifest, *rgd.instances):
            assert item["metadata"]["labels"][RUN_LABEL] == RUN.uid


def test_values_are_laid_over_the_scenarios_own() -> None:
    workload = {"scenario": "web-app", "instances": 1, "values": {"replicas": 3}}
    plan = first_plan(workload)
    assert plan.rgds[0].instances[0]["spec"]["replicas"] == 3
    assert plan.rgds[0].instances[0]["spec"]["ingressEnabled"] is True


def test_a_users_own_rgd_keeps_its_kind_and_group() -> None:
    inline = {"spec": {"schema": {"kind": "App", "group": "acme.io"}, "resources": []}}
    workload = {"rgd": {"inline": inline}, "instances": 1, "values": {"size": 2}}
    rgd = first_plan(workload).rgds[0]
    assert (rgd.kind, rgd.group) == ("App", "acme.io")
    assert rgd.instances[0]["apiVersion"] == "acme.io/v1alpha1"
    assert "metadata" not in inline, "the user's spec was changed"


@pytest.mark.parametrize(
    ("inline", "field"),
    [
        ({}, "spec"),
        ({"spec": []}, "spec"),
        ({"spec": {}}, "spec.schema"),
        ({"spec": {"schema": {"spec": {}}}}, "spec.schema.kind"),
        ({"spec": {"schema": {"kind": 7}}}, "spec.schema.kind"),
        ({"spec": {"schema": {"kind": "App"}, "resources": {}}}, "spec.resources"),
        ({"spec": {"schema": {"kind": "App"}, "resources": [7]}}, "spec.resources[0]"),
        ({"spec": {"schema": {"kind": "App"}}, "metadata": "x"}, "metadata"),
        (
            {"spec": {"schema": {"kind": "App"}}, "metadata": {"labels": {"a": 1}}},
            "metadata.labels.a",
        ),
        ({"spec": {"schema": {"kind": "App"}}, "kind": "ResourceGroup"}, "kind"),
    ],
)
def test_an_rgd_of_another_shape_is_refused_with_the_fields_path(
    inline: dict[str, Any], field: str
) -> None:
    workload = {"rgd": {"inline": inline}, "instances": 1}
    with pytest.raises(ValidationError) as raised:
        suite(test={"workload": workload})
    [message] = refusals(raised.value)
    assert message.startswith(f"spec.tests[0].workload.rgd.inline.{field}: must be")


def test_profiles_take_one_more_iteration_that_is_not_summarised() -> None:
    defaults = {"iterations": 2, "warmup": 1}
    [plan] = plan_tests(suite(defaults=defaults, collect={"profiles": ["cpu"]}))
    assert (plan.total_iterations, plan.profiled_index) == (3, 3)
    iterations = [plan_iteration(RUN, plan, index) for index in range(4)]
    assert [item.profiled for item in iterations] == [False, False, False, True]
    assert [item.warmup for item in iterations] == [True, False, False, True]
    [plain] = plan_tests(suite(defaults=defaults))
    assert plain.profiles == ()


def test_iterations_on_kept_rgds_use_those_of_the_first_of_their_visit() -> None:
    [test] = plan_tests(suite(defaults={"iterations": 2, "warmup": 1}))
    test = replace(test, visits=(1, 1))
    first, *others = [
        plan_iteration(RUN, on_kept_rgds(test, index) if index else test, index)
        for index in range(4)
    ]
    assert [item.has_rgds_already for item in (first, *others)] == [False, True, True, True]
    kinds = [item.rgds[0].kind for item in (first, *others)]
    assert kinds[0] == kinds[1] != kinds[2] == kinds[3], "of two visits"
    prefixes = [item.rgd_prefix for item in (first, *others)]
    assert prefixes[0] == prefixes[1] != prefixes[2] == prefixes[3]
    names = {item.instance(0)[1]["metadata"]["name"] for item in (first, *others)}
    assert len(names) == 4, "instances of several iterations may exist at once"


def names(made: IterationPlan) -> list[str]:
    [step] = made.test.phases
    return [made.instance(entry.target)[1]["metadata"]["name"] for entry in step.operations]


@given(data=st.data(), shards=st.integers(1, 16), rgds=st.integers(1, 5))
def test_every_instance_has_one_shard(data: st.DataObject, shards: int, rgds: int) -> None:
    instances = data.draw(st.integers(max(shards, rgds), 60))
    workload = {"scenario": "single", "instances": instances, "rgds": rgds}
    whole = plan(instances, workload=workload)
    shares = [share_of_plan(whole, shard, shards) for shard in range(shards)]
    assert sorted(name for share in shares for name in names(share)) == sorted(names(whole))
    assert sum(share.test.created_instances for share in shares) == instances
    assert all(share.test.created_instances > 0 for share in shares)


def test_concurrency_and_unanswered_requests_are_divided() -> None:
    whole = plan(20, concurrency=10)
    shares = [share_of_plan(whole, shard, 3) for shard in range(3)]
    steps = [share.test.phases[0] for share in shares]
    assert [step.concurrency for step in steps] == [4, 3, 3]
    assert sum(step.load.max_in_flight for step in steps) == 256


def test_instances_say_whose_they_are() -> None:
    workload = {"scenario": "single", "instances": 7, "rgds": 2}
    share = share_of_plan(plan(7, workload=workload), 2, 3)
    sent = [share.instance(entry.target)[1] for entry in share.test.phases[0].operations]
    assert [item["metadata"]["labels"][SHARD_LABEL] for item in sent] == ["2", "2"]


@pytest.mark.parametrize(
    ("test", "defaults"),
    [
        ({"workload": {"scenario": "single", "instances": 2}}, {}),
        ({"concurrency": 2}, {}),
        ({}, {"concurrency": 2}),
    ],
)
def test_more_shards_than_work_are_refused(test: dict[str, Any], defaults: dict[str, Any]) -> None:
    workload = {"scenario": "single", "instances": 9}
    spec = {
        "tests": [{"name": "a", "workload": workload, "load": {"shards": 3}} | test],
        "defaults": defaults,
    }
    with pytest.raises(ValidationError, match=r"load\.shards"):
        KroBenchmarkSpec.model_validate(spec)
