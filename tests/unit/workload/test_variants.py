from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.api.podmessages import VARIANT_ANNOTATION
from krobench.api.specs.kro import Variant
from krobench.workload.variants import (
    NoContainerError,
    changes_between,
    lay_over,
    mark_of,
    merged_flags,
    take_off,
)

KRO = "kro"
NAMES = st.sampled_from(["KRO_A", "KRO_B", "KUBE_FEATURE_X"])
WORDS = st.sampled_from(
    ["--a", "--a=1", "-a=2", "--b", "$(KRO_A)", "--b=$(KRO_B)", "--c-d", "5", "-", "--"]
)
FLAGS = st.lists(st.sampled_from(["--a=9", "--b", "--new=x", "--c-d=7s"]), max_size=4)
ENTRIES = st.builds(lambda name, value: {"name": name, "value": value}, NAMES, st.text(max_size=3))
ENV = st.lists(ENTRIES, min_size=1, max_size=3, unique_by=lambda item: item["name"])
AMOUNTS = st.dictionaries(st.sampled_from(["cpu", "memory"]), st.just("1"), min_size=1)
RESOURCES = st.fixed_dictionaries({}, optional={"limits": AMOUNTS, "requests": AMOUNTS})
ANNOTATIONS = st.dictionaries(st.sampled_from(["a/b", "c"]), st.text(max_size=3), min_size=1)


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    """Return pod templates as an API server does: no nulls, no empty maps."""
    fields = {
        "image": st.text(min_size=1, max_size=5),
        "args": st.lists(WORDS, min_size=1, max_size=8),
        "env": ENV,
        "resources": RESOURCES,
        "readinessProbe": st.just({"httpGet": {"path": "/readyz"}, "initialDelaySeconds": 10}),
    }
    kro = draw(st.fixed_dictionaries({"name": st.just(KRO)}, optional=fields))
    others = draw(st.lists(st.just({"name": "sidecar", "args": ["--a=1"]}), max_size=2))
    template = {"spec": {"containers": draw(st.permutations([kro, *others]))}}
    metadata = draw(
        st.fixed_dictionaries(
            {}, optional={"annotations": ANNOTATIONS, "labels": st.just({"app": "kro"})}
        )
    )
    return template | ({"metadata": metadata} if metadata else {})


VARIANTS = st.builds(
    Variant.model_validate,
    st.fixed_dictionaries(
        {"name": st.sampled_from(["one", "two"])},
        optional={
            "args": FLAGS,
            "env": st.dictionaries(NAMES, st.text(max_size=3)),
            "resources": RESOURCES,
            "image": st.just("kro:2"),
        },
    ),
)


@given(templates(), VARIANTS)
def test_a_variant_that_is_taken_off_leaves_the_very_template(
    template: dict[str, Any], variant: Variant
) -> None:
    before = deepcopy(template)
    changed = lay_over(template, KRO, variant, "v/0")
    assert template == before
    assert changed["metadata"]["annotations"][VARIANT_ANNOTATION] == "v/0"
    restored = take_off(changed, KRO, changes_between(template, changed, KRO))
    assert restored.template == before
    assert restored.conflicts == ()


@given(templates(), VARIANTS)
def test_taking_off_what_is_not_there_changes_nothing(
    template: dict[str, Any], variant: Variant
) -> None:
    changes = changes_between(template, lay_over(template, KRO, variant, "v/0"), KRO)
    assert take_off(template, KRO, changes).template == template


def test_what_others_changed_meanwhile_is_named_and_left() -> None:
    template = {"spec": {"containers": [{"name": KRO, "image": "kro:1", "args": ["--a=1"]}]}}
    variant = Variant(name="v", image="kro:2", args=["--a=2"])
    changed = lay_over(template, KRO, variant, "v/0")
    changes = changes_between(template, changed, KRO)
    changed["spec"]["containers"][0]["image"] = "kro:3"
    restored = take_off(changed, KRO, changes)
    assert restored.conflicts == ("image",)
    assert restored.template["spec"]["containers"][0] == {
        "name": KRO,
        "image": "kro:3",
        "args": ["--a=1"],
    }


@pytest.mark.parametrize(
    ("own", "flags", "expected"),
    [
        (["--a", "$(A)", "--b=2"], ["--a=7"], ["--a=7", "--b=2"]),
        (["--a", "--b", "2"], ["--a=false"], ["--a=false", "--b", "2"]),
        (["-a=1"], ["--a=2"], ["--a=2"]),
        (["--ab=1"], ["--a=2"], ["--ab=1", "--a=2"]),
        (["--a=1", "--a=3"], ["--a=2"], ["--a=2"]),
        ([], ["--a"], ["--a"]),
    ],
)
def test_flags_are_merged_by_their_name(
    own: list[str], flags: list[str], expected: list[str]
) -> None:
    assert merged_flags(own, flags) == expected


def test_resources_and_environment_that_are_not_named_stay() -> None:
    container = {
        "name": KRO,
        "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {}}}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "256m"}},
    }
    variant = Variant.model_validate(
        {"name": "v", "env": {"A": "2", "C": "3"}, "resources": {"limits": {"cpu": "500m"}}}
    )
    [changed] = lay_over({"spec": {"containers": [container]}}, KRO, variant, "v/0")["spec"][
        "containers"
    ]
    assert changed["resources"] == {
        "limits": {"cpu": "500m", "memory": "1Gi"},
        "requests": {"cpu": "256m"},
    }
    assert changed["env"] == [
        {"name": "A", "value": "2"},
        {"name": "B", "valueFrom": {"fieldRef": {}}},
        {"name": "C", "value": "3"},
    ]


def test_a_container_that_is_not_there_is_named() -> None:
    with pytest.raises(NoContainerError, match="kro"):
        lay_over({"spec": {"containers": []}}, KRO, Variant(name="v"), "v/0")


def test_variables_are_restored_even_if_others_have_set_more() -> None:
    own = [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}, {"name": "C", "value": "1"}]
    template = {"spec": {"containers": [{"name": KRO, "env": own}]}}
    variant = Variant(name="v", env={"A": "2", "B": "2", "GOGC": "200"})
    changed = lay_over(template, KRO, variant, "v/0")
    changes = deepcopy(changes_between(template, changed, KRO))
    [container] = changed["spec"]["containers"]
    theirs = {"name": "THEIRS", "value": "x"}
    [b] = [item for item in container["env"] if item["name"] == "B"]
    b["value"] = "3"
    container["env"].append(theirs)
    restored = take_off(changed, KRO, changes)
    [container] = restored.template["spec"]["containers"]
    assert container["env"] == [own[0], {"name": "B", "value": "3"}, own[2], theirs]
    assert restored.conflicts == ("env B",)
    assert take_off(restored.template, KRO, changes).template == restored.template


def test_two_visits_in_a_row_have_other_pods_and_all_of_them_two_revisions() -> None:
    marks = [mark_of("v", visit) for visit in range(5)]
    assert all(a != b for a, b in pairwise(marks))
    assert len(set(marks)) == 2
