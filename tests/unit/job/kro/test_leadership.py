from typing import Any

import pytest

from krobench.job.kro.rollout import elects, why_leader_unknown


def template(*args: str, **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "kro", "args": list(args)}], **spec}}


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], False),
        (["--leader-elect"], True),
        (["-leader-elect=true"], True),
        (["--leader-elect=false"], False),
        (["--leader-elect", "--workers", "4"], True),
    ],
)
def test_whether_kro_elects_a_leader(args: list[str], expected: bool) -> None:
    assert elects(template(*args), "kro") is expected


def test_a_lease_that_does_not_name_the_pod_is_refused() -> None:
    why = why_leader_unknown(template("--leader-elect", hostNetwork=True), "kro", "kro-system")
    assert why is not None
    assert "node's network" in why
    args = ("--leader-elect", "--leader-election-namespace", "leases")
    why = why_leader_unknown(template(*args), "kro", "kro-system")
    assert why is not None
    assert "in namespace leases" in why


def test_where_the_pod_is_named_or_there_is_no_election_all_is_well() -> None:
    args = ("--leader-elect", "--leader-election-namespace=kro-system")
    assert why_leader_unknown(template(*args), "kro", "kro-system") is None
    assert why_leader_unknown(template(hostNetwork=True), "kro", "kro-system") is None
