import hashlib
import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from unit.workload.plans import first_plan

from krobench.api.specs.generator import ChildKind, Complexity, Generator
from krobench.workload.blueprint import Manifest, WorkloadError
from krobench.workload.generator import COMPLEXITY_LABEL, INDEX_LABEL, generate_rgd, resolve

# Words that kro and CEL keep for themselves (kro: pkg/graph/validation.go).
RESERVED = """
apiVersion context dependency dependencies each externalRef externalReference externalRefs
externalReferences graph instance item items kind kro metadata namespace object resource
resourcegraphdefinition resourceGraphDefinition resources root runtime schema self
serviceAccountName spec status this variables vars version true false null in as break const
continue else for function if import let loop package return var void while
"""
PATH = "tests[0].workload.generator"


@st.composite
def generators(draw: st.DrawFn) -> Generator:
    resources = draw(st.integers(1, 40))
    depth = draw(st.integers(1, resources))
    properties = draw(st.integers(1, 6))
    return Generator(
        seed=draw(st.integers(0, 2**31 - 1)),
        complexity=Complexity.CUSTOM,
        resources=resources,
        depth=depth,
        dependencies_per_resource=(
            draw(st.integers(1, min(10, resources - 1))) if depth > 1 else 0
        ),
        properties_per_resource=properties,
        kinds=draw(st.lists(st.sampled_from(ChildKind), min_size=1, unique=True)),
        for_each_size=draw(st.integers(0, 5)),
        include_when_share=draw(st.floats(0, 1)),
        ready_when_share=draw(st.floats(0, 1)),
        cel_expressions=draw(st.integers(0, resources * properties)),
        cel_complexity=draw(st.integers(1, 8)),
    )


def resources_of(generator: Generator) -> list[Manifest]:
    return generate_rgd(generator, 0, PATH).resources


def dependencies_of(resources: list[Manifest]) -> dict[str, set[str]]:
    """Read the dependencies off what was written, as kro does: identifiers in expressions."""
    ids = {resource["id"] for resource in resources}
    return {
        resource["id"]: {
            word
            for expression in re.findall(r"\$\{.*?\}", json.dumps(resource["template"]))
            for word in re.findall(r"\w+", expression)
            if word in ids
        }
        for resource in resources
    }


def longest_chain(dependencies: dict[str, set[str]]) -> int:
    """Return the resources on the longest chain; fails on a cycle."""
    lengths: dict[str, int] = {}
    while len(lengths) < len(dependencies):
        free = [
            node
            for node, targets in dependencies.items()
            if node not in lengths and targets <= lengths.keys()
        ]
        assert free, "the graph has a cycle"
        for node in free:
            lengths[node] = 1 + max((lengths[to] for to in dependencies[node]), default=0)
    return max(lengths.values())


@given(generators())
def test_the_graph_has_no_cycle_and_is_as_deep_as_asked(generator: Generator) -> None:
    assert longest_chain(dependencies_of(resources_of(generator))) == generator.depth


@given(generators())
def test_the_deepest_resources_have_the_dependencies_asked_for(generator: Generator) -> None:
    asked = generator.dependencies_per_resource
    counts = [len(targets) for targets in dependencies_of(resources_of(generator)).values()]
    assert max(counts) == asked
    assert all(count <= asked for count in counts)


@given(generators())
def test_ids_are_unique_camel_case_and_not_reserved(generator: Generator) -> None:
    ids = [resource["id"] for resource in resources_of(generator)]
    assert len(set(ids)) == len(ids) == generator.resources
    for resource_id in ids:
        assert re.fullmatch(r"[a-z][a-zA-Z0-9]*", resource_id)
        assert resource_id not in RESERVED.split()


def properties_of(resource: Manifest) -> dict[str, str]:
    template = resource["template"]
    found: dict[str, str] = (
        template.get("data") or template.get("stringData") or template["metadata"]["annotations"]
    )
    return {key: text for key, text in found.items() if key.startswith("property-")}


@given(generators())
def test_there_are_as_many_of_everything_as_asked(generator: Generator) -> None:
    resources = resources_of(generator)
    settings = resolve(generator)
    assert sum("forEach" in item for item in resources) == settings.collections
    assert sum("includeWhen" in item for item in resources) == settings.include_when
    assert sum("readyWhen" in item for item in resources) == settings.ready_when
    assert not [item for item in resources if "readyWhen" in item and "forEach" in item]
    properties = [properties_of(item) for item in resources]
    assert {len(own) for own in properties} == {generator.properties_per_resource}
    computed = [text for own in properties for text in own.values() if text.startswith("${")]
    assert len(computed) == generator.cel_expressions


@given(generators())
def test_each_kind_occurs_if_there_are_enough_resources(generator: Generator) -> None:
    assert generator.kinds is not None
    kinds = {item["template"]["kind"] for item in resources_of(generator)}
    assert len(kinds) == min(len(generator.kinds), generator.resources or 0)


@given(generators(), st.integers(0, 499))
def test_equal_settings_give_equal_bytes(generator: Generator, index: int) -> None:
    first, second = (repr(generate_rgd(generator, index, PATH)) for _ in range(2))
    assert first == second


def test_another_seed_or_index_gives_another_rgd() -> None:
    rgds = [
        generate_rgd(Generator(seed=seed), index, PATH).resources
        for seed in range(3)
        for index in range(3)
    ]
    assert len({yaml.dump(rgd) for rgd in rgds}) == 9


def test_a_seed_gives_the_same_rgd_in_every_version() -> None:
    # Results of two versions of krobench can be compared only as long as this holds.
    resources = resources_of(Generator(seed=7, complexity=Complexity.COMPLEX))
    digest = hashlib.sha256(yaml.dump(resources).encode()).hexdigest()
    assert digest == "ca6ff7ba822cdd75919e59bf02170a1e8d469c6b546995481f9dae3b803e6265"


@pytest.mark.parametrize("complexity", [Complexity.SIMPLE, Complexity.MEDIUM, Complexity.COMPLEX])
def test_each_level_is_complete_and_a_field_overrides_it(complexity: Complexity) -> None:
    resources = resources_of(Generator(complexity=complexity))
    more = resources_of(Generator(complexity=complexity, resources=len(resources) + 10))
    assert len(more) == len(resources) + 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resources": 1}, "depth is 2, but must not exceed resources, which is 1"),
        (
            {"dependenciesPerResource": 3},
            "dependenciesPerResource is 3, but must be less than resources, which is 3",
        ),
        (
            {"dependenciesPerResource": 0},
            "dependenciesPerResource is 0, but must be at least 1 for a depth of 2",
        ),
        ({"depth": 1}, "depth is 1, but must be at least 2 for dependenciesPerResource of 1"),
        ({"celExpressions": 10}, "celExpressions is 10, but must not exceed resources times"),
    ],
)
def test_what_cannot_be_met_is_refused_by_the_fields_name(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(WorkloadError, match=re.escape(f"{PATH}.{message}")):
        first_plan({"generator": settings, "instances": 1})


def test_rgds_of_a_run_say_what_they_are() -> None:
    plan = first_plan({"generator": {"complexity": "medium"}, "instances": 4, "rgds": 2})
    labels = [rgd.manifest["metadata"]["labels"] for rgd in plan.rgds]
    assert [item[INDEX_LABEL] for item in labels] == ["0", "1"]
    for item in labels:
        assert item[COMPLEXITY_LABEL] == "medium"
        assert item["app.kubernetes.io/name"] == "krobench-load"
        assert item["app.kubernetes.io/component"] == "generator"
