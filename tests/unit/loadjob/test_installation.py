"""What ``helm test`` finds: everything that would stop a run, at once."""

from doubles.cluster import MemoryApi

from krobench.api.specs.kro import Target
from krobench.loadjob.main import problems_of


async def test_all_problems_are_named_and_not_only_the_first() -> None:
    api = MemoryApi()
    api.denied = {"delete", "watch"}
    problems = {each.reason: each.message for each in await problems_of(api, [Target()])}
    assert problems.keys() == {"Forbidden", "KroNotFound"}
    for verb in api.denied:
        for resource in ("resourcegraphdefinitions.kro.run", "configmaps", "*.load.bench.kro.run"):
            assert f"{verb} {resource}" in problems["Forbidden"]
    assert "kro-system" in problems["KroNotFound"]
