"""The generated pages are current, and complete."""

import re
from pathlib import Path

import pytest
from unit.docs.documents import ROOT

from krobench.api.common import SpecModel
from krobench.api.crd import Schema, crd
from krobench.api.kinds import RunKind
from scripts.reference import DIRECTORY, pages
from scripts.reference.installation import VALUES, chart_values

PAGES = pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_generated_page_is_current(page: Path) -> None:
    assert page.read_text() == PAGES[page], f"{page.relative_to(ROOT)} is stale: run `make docs`"


@pytest.mark.parametrize("kind", RunKind)
def test_every_field_of_a_resource_is_on_its_page(kind: RunKind) -> None:
    schema = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    text = (DIRECTORY / f"{kind.singular}.md").read_text()
    for name in field_names(schema["properties"]["spec"]):
        assert f"`{name}`" in text


@pytest.mark.parametrize("model", SpecModel.__subclasses__(), ids=lambda model: model.__name__)
def test_every_renamed_field_is_in_the_changelog(model: type[SpecModel]) -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    for old, new in model.renamed.items():
        assert re.search(rf"[.]{old}` \| `.*[.]{new}`", text)


def is_old_name(field: Schema) -> bool:
    return str(field.get("description", "")).startswith("Renamed:")


def field_names(schema: Schema) -> set[str]:
    items = schema.get("items", {})
    if any(each.get("x-kubernetes-preserve-unknown-fields") for each in (schema, items)):
        return set()  # objects that are not ours
    inner = schema.get("properties", {}) | items.get("properties", {})
    fields = {name: field for name, field in inner.items() if not is_old_name(field)}
    return set(fields).union(*(field_names(each) for each in fields.values()))


def test_every_value_of_the_chart_has_a_description() -> None:
    described = [path.split(".")[-1] for path, _, text in chart_values() if text]
    keys = re.findall(r"^ *# -- .*\n(?: *# .*\n)* *(\w+):", VALUES.read_text(), re.MULTILINE)
    assert described == keys
