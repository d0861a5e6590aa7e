"""Texts are in plain English: phrases that a reader would have to translate are refused.

The list holds only phrases that are never right here, so that a match is always worth rewording.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PHRASES = (
    r"(?<!there )\b(is|are|was|were) no (?!\w+er\b|more\b|less\b|need\b)['a-z*`{\[]",
    r"\bwhat(ever)? (became|becomes?) of\b",
    r"\banew\b",
    r"\bin vain\b",
    r"\bspeaks? (for|against)\b",
    r"\b(hangs?|hung) on (a|an|the|it|its|what|which|how|kro)\b",
    r"\bwhoever\b",
    r"\bwhosoever\b",
    r"\bwithout a word\b",
    r"\bfor want of\b",
    r"\bsays? of\b",
    r"\btold (of|from|by|that|apart|here)\b",
    r"\b(is|are|was|were|be) told\b",
    r"\btells? (of|apart|from)\b",
    r"\bforetold?\b|\bforetells?\b",
    r"\bunder way\b",
    r"\bhas been had\b",
    r"\bshall\b",
    r"\bnone of which\b",
    r"\b(is|are|was|were) to be (?!true|false)[a-z]+(ed|en|n|d|t)\b",
    r"\btakes? no notice\b",
    r"\bin spite of\b",
    r"\bset up otherwise\b",
    r"\bmay not be believed\b",
    r"\bcomes? to nothing\b",
    r"\bas it stands\b",
    r"\bstands? (beside|there|apart|in the way|at the end|behind)\b",
    r"\bwith no one\b|\bnobody else's\b",
    r"\bin the clear\b",
    r"\bto which end\b",
    r"\bput upon\b|\bbuilt upon\b",
)
_OLD_VOICE = re.compile("|".join(PHRASES), re.IGNORECASE)

ROOMS = (ROOT / "operator" / "krobench", *(ROOT / name for name in ("testbed", "scripts", "bench")))
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "Makefile",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "crds").glob("*.yaml")),
    *(file for file in sorted((ROOT / "helm").rglob("*")) if file.is_file()),
    *sorted((ROOT / "manifests").rglob("*.yaml")),
    *sorted((ROOT / "scripts").glob("*.sh")),
)


def texts_of(module: Path) -> Iterator[tuple[int, str]]:
    """Every string of a module, docstrings included, with its line."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def paragraphs_of(page: Path) -> Iterator[tuple[int, str]]:
    """The paragraphs of a text, without code blocks; phrases may go over the end of a line."""
    lines: list[str] = []
    first, in_code = 1, False
    for number, line in enumerate([*page.read_text().splitlines(), ""], 1):
        stripped = line.strip().removeprefix("#").strip()
        if stripped.startswith("```"):
            in_code = not in_code
        if (not stripped or in_code) and lines:
            yield first, " ".join(lines)
            lines = []
        elif stripped and not in_code:
            first = first if lines else number
            lines.append(stripped)


def found_in(texts: Iterator[tuple[int, str]]) -> list[str]:
    found = []
    for line, text in texts:
        words = " ".join(text.split())
        for match in _OLD_VOICE.finditer(words):
            around = words[max(0, match.start() - 40) : match.end() + 40]
            found.append(f"line {line}: {match[0]!r} in '{around}'")
    return found


def test_no_module_has_phrases_of_the_old_voice() -> None:
    modules = [module for room in ROOMS for module in sorted(room.rglob("*.py"))]
    found = {module: found_in(texts_of(module)) for module in modules}
    assert {str(at.relative_to(ROOT)): old for at, old in found.items() if old} == {}


def test_no_page_has_phrases_of_the_old_voice() -> None:
    found = {page: found_in(paragraphs_of(page)) for page in PAGES}
    assert {str(at.relative_to(ROOT)): old for at, old in found.items() if old} == {}


@pytest.mark.parametrize(
    "text",
    [
        "'x/y/z' is no [KIND/][NAMESPACE/]NAME",
        "what became of each variant",
        "nothing that speaks against the numbers",
        "whoever may create a KroBenchmark",
        "instances that are under way at once",
        "resources to be measured: it is to be measured",
    ],
)
def test_the_old_voice_is_found(text: str) -> None:
    assert found_in(iter([(1, text)]))


@pytest.mark.parametrize(
    "text",
    [
        "there is no Deployment in namespace kro-system",
        "the object is no longer there, and kro is no slower",
        "the runs are no more different than two runs of the same version",
        "kro's queue hangs. On the next run, it is empty",
        "must be set to be valid",
    ],
)
def test_plain_english_is_left_alone(text: str) -> None:
    assert not found_in(iter([(1, text)]))
