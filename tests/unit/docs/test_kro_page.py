"""The page for kro's documentation stands alone. Its figures, and a release's, have a source."""

import re

import pytest
import yaml
from unit.docs.documents import ROOT

PAGE = (ROOT / "docs/kro/performance-and-scale.md").read_text()
_, FRONT, BODY = PAGE.split("---\n", 2)
SOURCES = "\n".join(
    (ROOT / "docs" / path).read_text()
    for path in (
        "explanation/cel.md",
        "explanation/recommendations.md",
        "explanation/scaling.md",
        "how-to/variants.md",
        "reference/workloads.md",
    )
)
RELEASE = (ROOT / "docs/studies/kro-0-9-4.md").read_text()
_MEASURED = re.compile(r"\d[\d,.]*(?:/s| (?:s|ms|µs|[KM]iB|MB|cores|times)\b)")
_CELL = re.compile(r"\| (\d[\d,.]*) (?=\|)")


def test_the_front_matter_is_that_of_docusaurus() -> None:
    front = yaml.safe_load(FRONT)
    assert set(front) == {"sidebar_position", "title", "description"}
    assert f"# {front['title']}\n" in BODY


def test_it_links_to_nothing_that_only_this_repository_has() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", BODY)
    assert targets
    assert all(target.startswith(("#", "https://")) for target in targets)


def test_nothing_outside_of_code_is_an_element_or_an_expression_of_mdx() -> None:
    prose = re.sub(r"```.*?```|`[^`]*`", "", BODY, flags=re.DOTALL)
    assert not re.search(r"[<{}]", prose)


FIGURES = {
    figure for page in (BODY, RELEASE) for of in (_MEASURED, _CELL) for figure in of.findall(page)
}


@pytest.mark.parametrize("figure", sorted(FIGURES))
def test_each_figure_has_a_source(figure: str) -> None:
    assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d])", SOURCES)
