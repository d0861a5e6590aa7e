from hypothesis import given
from hypothesis import strategies as st

from krobench.api.kinds import RunKind, RunRef


@given(st.from_regex(r"[a-z0-9]([-.a-z0-9]{0,50}[a-z0-9])?", fullmatch=True))
def test_the_runs_namespace_is_a_dns_label(name: str) -> None:
    namespace = RunRef(
        RunKind.BENCHMARK, "default", name, "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
    ).own_namespace
    assert len(namespace) <= 63
    assert "." not in namespace
    assert namespace[-1].isalnum()
