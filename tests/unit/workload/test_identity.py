from hypothesis import given
from hypothesis import strategies as st
from unit.workload.plans import RUN

from krobench.workload.identity import RunIdentity


@given(st.from_regex(r"[a-z0-9]([-.a-z0-9]{0,50}[a-z0-9])?", fullmatch=True))
def test_the_runs_namespace_is_a_dns_label(name: str) -> None:
    namespace = RunIdentity(name, RUN.uid).namespace
    assert len(namespace) <= 63
    assert "." not in namespace
    assert namespace[-1].isalnum()
