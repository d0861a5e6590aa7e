"""Profiles of a real kro."""

import math
from pathlib import Path

import pytest
from cluster.kubectl import Cluster, benchmark, condition, scenario

from krobench.analysis.profiling.breakdown import cpu_breakdown, heap_breakdowns
from krobench.figures.profile import Breakdown, TestProfile
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord

COLLECT = {"profiles": ["cpu", "heap"]}
INSTANCES = 20
NO_PPROF = 6061
"""A port at which kro does not answer."""


def share(breakdown: Breakdown | None, group: str) -> float:
    assert breakdown is not None
    return next((item.share or 0.0 for item in breakdown.groups if item.group == group), 0.0)


def test_a_profile_says_where_the_time_goes_and_a_kro_without_pprof_costs_nothing(
    cluster: Cluster, tmp_path: Path
) -> None:
    heavy = scenario("heavy", "cel-heavy", INSTANCES)
    bare = scenario("bare", instances=3, target={"pprofPort": NO_PPROF})
    status = cluster.finish(benchmark("profiled", heavy, bare, collect=COLLECT))
    assert status["phase"] == "Completed"
    assert condition(status, "Complete")["status"] == "True"
    missing = [text for text in status["warnings"] if "profile" in text]
    assert missing
    assert all(text.startswith("bare: ") and str(NO_PPROF) in text for text in missing)
    run = RunRecord.model_validate(cluster.run_record("profiled"))
    [test, without] = run.tests
    check_iterations(test)
    assert test.profile is not None
    check_shares(test.profile)
    check_raw(cluster, test.profile, tmp_path)
    check_missing(cluster, without)
    assert "cel-go" in cluster.krobench("report", "profiled").stdout
    check_page(cluster, tmp_path / "report.html")


def check_page(cluster: Cluster, target: Path) -> None:
    done = cluster.krobench("report", "profiled", "--format", "html", "-o", str(target))
    assert done.returncode == 0, done.stderr
    page = target.read_text()
    assert page.count("<svg") >= 4, "latency, profile, CPU and memory"
    assert "cel-go" in page


def check_iterations(test: TestRecord) -> None:
    """The profiled iteration is kept apart from the one that is measured."""
    assert [item.profiled for item in test.iterations] == [False, True]
    assert test.summary is not None
    assert test.summary.iterations == 1
    assert test.summary.latency.instance_ready is not None
    assert test.summary.latency.instance_ready.n == INSTANCES


def check_shares(profile: TestProfile) -> None:
    assert profile.unavailable == {}
    for breakdown in (profile.cpu, profile.allocated, profile.in_use):
        assert breakdown is not None
        assert sum(item.share or 0.0 for item in breakdown.groups) == pytest.approx(1, abs=0.01)
        assert sum(item.value for item in breakdown.groups) == pytest.approx(breakdown.total)
        if breakdown.samples > 50:
            # Of few samples, a share is known within twice its standard error.
            bound = 0.2 + 2 * math.sqrt(0.2 * 0.8 / breakdown.samples)
            assert share(breakdown, "other") < bound, "most of kro is known"
    assert share(profile.cpu, "client-go, HTTP and TLS") > 0
    assert profile.allocated is not None
    assert profile.allocated.total > 10_000_000
    # kro evaluates dozens of expressions in each reconcile; of its CPU samples, which are a
    # hundred a second, a short run may have none there.
    assert share(profile.allocated, "cel-go") > 0.1


def check_raw(cluster: Cluster, profile: TestProfile, directory: Path) -> None:
    fetched = {}
    for kind in ("cpu", "heap-base", "heap"):
        target = directory / f"{kind}.pb.gz"
        done = cluster.krobench(
            "profile", "profiled", "--test=heavy", "--kind", kind, "-o", str(target)
        )
        assert done.returncode == 0, done.stderr
        fetched[kind] = target.read_bytes()
    assert cpu_breakdown(fetched["cpu"]) == profile.cpu
    heaps = heap_breakdowns(fetched["heap-base"], fetched["heap"])
    assert heaps == (profile.allocated, profile.in_use)


def check_missing(cluster: Cluster, test: TestRecord) -> None:
    """A test of a kro without pprof is measured, and nothing is tried twice for its profile."""
    assert test.success
    assert len(test.iterations) == 1, "an iteration without a profile would be for nothing"
    assert test.profile is not None
    assert set(test.profile.unavailable) == {"cpu", "heap"}
    fetched = cluster.krobench("profile", "profiled", "--test=bare", "-o", "/dev/null")
    assert fetched.returncode == 1
    assert str(NO_PPROF) in fetched.stderr
