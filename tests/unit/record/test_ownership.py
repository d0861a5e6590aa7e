from typing import Any

import pytest

from krobench.api.kinds import RunKind, RunRef
from krobench.record.ownership import owning_runs

OWNER = RunRef(RunKind.BENCHMARK, "default", "bench", "uid-1")


@pytest.mark.parametrize(
    ("references", "runs"),
    [
        ([OWNER.owner_reference], [OWNER]),
        ([OWNER.owner_reference, {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}], []),
        ([OWNER.owner_reference | {"apiVersion": "example.com/v1"}], []),
        ([], []),
    ],
)
def test_a_config_map_belongs_to_runs_if_nothing_else_owns_it(
    references: list[dict[str, Any]], runs: list[RunRef]
) -> None:
    metadata = {"name": "r", "namespace": OWNER.namespace, "ownerReferences": references}
    assert owning_runs({"metadata": metadata}) == runs
