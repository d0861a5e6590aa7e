import re
from collections import Counter

import pytest
from unit.workload.plans import first_plan

from krobench.api.specs.cel import CelFamily, CelLevel, CelWorkload
from krobench.workload.cel.expression import Role
from krobench.workload.cel.selection import Opinion, cross_check, expressions_of
from krobench.workload.cel.standard import FIELD_ACCESS, STANDARD

MAX_CONFIG_MAP_KEYS = 64


def test_every_family_has_every_level_and_a_simple_one_to_begin_with() -> None:
    families = {family: [e for e in STANDARD if e.family is family] for family in CelFamily}
    assert len(STANDARD) >= 24
    for family, members in families.items():
        assert {member.level for member in members} == set(CelLevel), family


def test_names_are_unique() -> None:
    assert max(Counter(e.name for e in expressions_of(CelWorkload())).values()) == 1


@pytest.mark.parametrize("expression", STANDARD, ids=lambda e: e.name)
def test_celpy_agrees_with_every_expected_value_that_it_supports(expression) -> None:  # type: ignore[no-untyped-def]
    assert cross_check(expression).opinion is not Opinion.DIFFERS


def test_celpy_is_sure_of_the_core_of_the_language_only() -> None:
    sure = {e.name for e in STANDARD if cross_check(e).opinion is Opinion.AGREES}
    assert {"field-access", "ternary-nested", "nested-list", "ternary-conditions"} <= sure
    assert not {"json", "optional-chain", "quantity", "list-of-10"} & sure


def test_a_selection_always_holds_what_the_others_are_compared_with() -> None:
    chosen = expressions_of(CelWorkload(families=[CelFamily.TERNARY], levels=[CelLevel.SIMPLE]))
    assert [e.name for e in chosen] == ["constants", "one-constant", "field-access", "ternary"]
    assert [e.role for e in chosen[:2]] == [Role.CONSTANTS, Role.ONE_CONSTANT]


def test_each_expression_has_an_rgd_with_one_instance_of_its_values() -> None:
    plan = first_plan({"cel": {}})
    expressions = expressions_of(CelWorkload())
    assert len(plan.rgds) == len(expressions)
    for rgd, expression in zip(plan.rgds, expressions, strict=True):
        assert len(rgd.instances) == 1
        assert rgd.instances[0]["spec"] == expression.values


def test_copies_of_an_expression_differ_only_in_white_space() -> None:
    plan = first_plan({"cel": {}})
    for rgd, expression in zip(plan.rgds, expressions_of(CelWorkload()), strict=True):
        [resource] = rgd.manifest["spec"]["resources"]
        data = resource["template"]["data"]
        assert len(data) == expression.copies <= MAX_CONFIG_MAP_KEYS
        if expression.distinct:
            assert len(set(data.values())) == expression.copies
        for text in data.values():
            inner = re.sub(r"^\$\{\(\s*|\)?\s*\}$", "", text) if expression.distinct else text[2:-1]
            assert inner == expression.text


def test_field_access_is_what_all_are_compared_with() -> None:
    assert FIELD_ACCESS in STANDARD
