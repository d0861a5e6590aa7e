import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from krobench.api.yaml import dump, load, load_all


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:30", "22:30"),
        ("1:00:00.5", "1:00:00.5"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z"),
        ("!!timestamp 2026-01-01", "2026-01-01"),
        ("yes", True),
        ("Off", False),
        ("n", False),
        ("yEs", "yEs"),
        ("~", None),
        ("", None),
        ("010", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("0189", 189),
        ("1_000", 1000),
        ("1.0", 1),
        ("1e3", 1000),
        (".5", 0.5),
        ("1e400", "1e400"),
        ("'yes'", "yes"),
        ("!!str 1", "1"),
        ("!!float 1", 1),
        ("!!binary aGVsbG8=", "hello"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_scalars_are_read_as_kubectl_reads_them(text: str, value: object) -> None:
    found = load(f"a: {text}\n")["a"]
    assert found == value
    assert type(found) is type(value)


_BAD_KEYS = ["{~: b}", "{[b]: c}", "&b [*b]"]


@pytest.mark.parametrize(
    "text", [".inf", ".NaN", "!!int text", "!!set {a}", "!!python/tuple [a]", *_BAD_KEYS]
)
def test_what_json_cannot_have_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load(f"a: {text}")


def test_keys_are_strings() -> None:
    assert load("{1: a, yes: b, 1.5: c, 08: d}") == {"1": "a", "true": "b", "1.5": "c", "8": "d"}


def test_anchors_and_merge_keys_are_followed() -> None:
    assert load("{a: &a {x: 1}, b: {<<: *a, z: 2}, c: *a}") == {
        "a": {"x": 1}, "b": {"x": 1, "z": 2}, "c": {"x": 1},
    }  # fmt: skip


def test_empty_documents_are_nothing() -> None:
    assert load_all("---\n---\na: 1\n---\n# only this\n---\n") == [{"a": 1}]
    assert load("---\n") is None
    with pytest.raises(yaml.YAMLError, match="found 2"):
        load("a: 1\n---\na: 2")


_TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.sampled_from("019.:-_eExoynNYtrufals~")), _TREES))
def test_what_is_written_is_read_again(data: dict[str, object]) -> None:
    assert load(dump(data)) == data
    texts = {"a": list(data)}
    assert load(dump(texts)) == texts
