import pytest

from krobench.api.kinds import RunKind
from krobench.cli.errors import CliError
from krobench.cli.names import RunName


@pytest.mark.parametrize(
    ("text", "kind", "namespace"),
    [
        ("x", None, "here"),
        ("team/x", None, "team"),
        ("kroscaletest/x", RunKind.SCALE_TEST, "here"),
        ("KroBenchmark/x", RunKind.BENCHMARK, "here"),
        ("kroscaletests/team/x", RunKind.SCALE_TEST, "team"),
        ("krobenchmark.bench.kro.run/x", RunKind.BENCHMARK, "here"),
    ],
)
def test_a_name_may_say_its_kind_and_its_namespace(
    text: str, kind: RunKind | None, namespace: str
) -> None:
    assert RunName.parse(text, "here") == RunName(kind, namespace, "x")


def test_a_name_without_a_slash_is_never_a_kind() -> None:
    assert RunName.parse("kroscaletest", "here") == RunName(None, "here", "kroscaletest")


@pytest.mark.parametrize("text", ["", "team/", "/x", "pod/team/x", "kroscaletest/", "a/b/c/d"])
def test_an_invalid_name_is_refused_with_the_kinds(text: str) -> None:
    with pytest.raises(CliError, match=r"invalid run name .* with KIND krobench"):
        RunName.parse(text, "here")
