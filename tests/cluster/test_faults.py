"""A short version of `make faults`: nothing is lost, wrong or left."""

import random

import pytest
from cluster.conftest import provider
from cluster.kubectl import Cluster

from bench.faults.bed import Bed
from bench.faults.catalogue import FAULTS
from bench.faults.runs import Outcome, put_through

pytestmark = pytest.mark.chart_defaults

OPERATOR_KILLS = 3


@pytest.fixture
def bed(cluster: Cluster) -> Bed:
    if provider() != "testbed":
        pytest.skip("only the embedded test bed's processes can be killed")
    return Bed.running()


def test_a_run_passes_although_the_operator_is_killed(bed: Bed) -> None:
    outcome = inflicted(bed, "operator", OPERATOR_KILLS)
    assert (outcome.times, outcome.verdict) == (OPERATOR_KILLS, "Passed")


def test_a_run_whose_load_is_killed_keeps_its_results_and_leaves_nothing(bed: Bed) -> None:
    outcome = inflicted(bed, "load", 1)
    assert (outcome.verdict, outcome.reason) == ("Error", "LoadJobFailed")


def inflicted(bed: Bed, fault: str, times: int) -> Outcome:
    draw = random.Random(fault)
    outcome = put_through(bed, FAULTS[fault], f"fault-{fault}", draw, at_most=times)
    assert outcome.findings == ()
    return outcome
