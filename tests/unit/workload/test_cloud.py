import json

import pytest
from pydantic import ValidationError
from unit.workload.plans import first_plan

from krobench.api.specs.workload import Workload
from krobench.workload.cloud import cloud_crd, cloud_details, cloud_kind
from krobench.workload.deletion import goes_with_namespace
from krobench.workload.source import children


def test_each_resource_waits_for_the_one_before_it() -> None:
    plan = first_plan({"scenario": "cloud", "instances": 1, "cloud": {"resources": 4}})
    *resources, connection = plan.rgds[-1].manifest["spec"]["resources"]
    kind = cloud_kind(plan.run.short_id)
    assert {each["template"]["kind"] for each in resources} == {kind}
    parents = [each["template"]["spec"].get("parent") for each in resources]
    assert parents == [None, *(f"${{resource{number}.status.id}}" for number in range(3))]
    assert connection["template"]["data"]["endpoint"] == "${resource3.status.endpoint}"
    assert all(each["readyWhen"] for each in resources)


def test_the_resources_count_as_children_and_delay_each_instance() -> None:
    workload = Workload.model_validate(
        {"scenario": "cloud", "cloud": {"resources": 4, "readyAfter": "2s"}}
    )
    assert children(workload) == 5
    assert workload.simulated_cloud is not None
    assert workload.simulated_cloud.delay_seconds == 8.0
    assert goes_with_namespace(workload)


def test_each_run_has_a_kind_of_its_own_with_a_status_subresource() -> None:
    one, other = (cloud_crd(cloud_kind(run), {"a": "b"}) for run in ("0a", "0b"))
    assert one["metadata"]["name"] != other["metadata"]["name"]
    [version] = one["spec"]["versions"]
    assert version["subresources"] == {"status": {}}


@pytest.mark.parametrize("size", [0, 1000, 20_000, 200_000])
def test_details_have_the_size_that_is_asked_for(size: int) -> None:
    text = json.dumps(cloud_details(size), separators=(",", ":"))
    assert size - 66 <= len(text) <= size + 2


def test_settings_of_the_cloud_belong_to_its_scenario() -> None:
    with pytest.raises(ValidationError):
        Workload.model_validate({"scenario": "single", "cloud": {}})
