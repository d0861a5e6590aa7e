"""Sentences for readers are written in report/: results are codes with names and numbers.

Searched are the folders between what was measured and what is reported. Refusals of specs and
arguments are raised where these are checked, and name the field and what to do.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

KROBENCH = Path(__file__).parents[2] / "operator" / "krobench"
ROOMS = ("analysis", "findings", "program")
FEWEST_WORDS = 4
"""From so many words on, a text is taken for a sentence; with fewer, it may be a name."""
REFUSAL = "refuses what a user gave: names it, and what to do"
ALLOWED = {
    "analysis/comparison/rules.py:share": REFUSAL,
    "analysis/comparison/rules.py:_kind": REFUSAL,
    "analysis/comparison/rules.py:_metric": REFUSAL,
    "analysis/krosettings.py:NEVER_ADVISED": "for developers: no report has it",
    "analysis/profiling/packagegroups.py:HTTP": "the name of a group of packages",
    "analysis/profiling/packagegroups.py:ENCODING": "the name of a group of packages",
    "analysis/profiling/packagegroups.py:RUNTIME": "the name of a group of packages",
    "analysis/profiling/packagegroups.py:SCHEDULER": "the name of a group of packages",
    "analysis/profiling/pprof.py:_SCHEMA": "fields of a message",
    "analysis/scaling/slos.py:check_samples": REFUSAL,
    "analysis/sizing/growth.py:_SLOPES": "what older records have",
    "analysis/statistics/significance.py:mann_whitney": "an error of the caller",
    "analysis/thresholds.py:_NO_OVERLOAD": "what celpy raises",
    "analysis/thresholds.py:_check": REFUSAL,
    "analysis/thresholds.py:_unknown": REFUSAL,
    "analysis/thresholds.py:_first_argument": REFUSAL,
    "program/sizes.py:usable_sizes": REFUSAL,
    "program/sizes.py:_refusal": REFUSAL,
    "program/sizes.py:plan_size": REFUSAL,
}
"""What may have other texts, and why."""
MODULES = [module for room in ROOMS for module in sorted((KROBENCH / room).rglob("*.py"))]


def sentences_in(source: str) -> Iterator[tuple[str, str]]:
    """Every text of at least FEWEST_WORDS words that is no docstring, after what it is part of."""
    for statement in ast.parse(source).body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                pass
            case ast.ClassDef(name=name):
                pass
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case _:
                name = "-"
        for text in _texts_in(statement):
            if len(text.split()) >= FEWEST_WORDS:
                yield name, text


def _texts_in(statement: ast.stmt) -> Iterator[str]:
    skipped: set[ast.AST] = set()
    for node in ast.walk(statement):
        if node in skipped:
            continue
        match node:
            case ast.Expr(value=ast.Constant() as docstring):
                skipped.add(docstring)
            case ast.JoinedStr(values=parts):
                skipped.update(ast.walk(node))
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "VALUE" for part in parts
                )
            case ast.Constant(value=str() as text):
                yield text


def found_in(module: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, text in sentences_in(module.read_text()):
        found.setdefault(f"{module.relative_to(KROBENCH)}:{name}", []).append(text)
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(KROBENCH)))
def test_only_report_writes_sentences(module: Path) -> None:
    """If this fails, make a finding of the sentence, with its words in report/words/."""
    assert {where: text for where, text in found_in(module).items() if where not in ALLOWED} == {}


@pytest.mark.parametrize("where", ALLOWED)
def test_what_is_allowed_is_needed(where: str) -> None:
    assert where in found_in(KROBENCH / where.partition(":")[0])


@pytest.mark.parametrize(
    "source",
    [
        'why = "no size was measured"',
        'why = f"{metric} is not available"',
        'raise ValueError("no size was " "measured")',
        'def f():\n    """Return."""\n    return "no size was measured"',
    ],
)
def test_a_sentence_is_found(source: str) -> None:
    assert len([*sentences_in(source)]) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring of a module."""',
        'def f():\n    """A docstring of a function."""',
        'x = 1\n"""What x is all about."""',
        'name = "kro memory, max"',
        'name = f"{namespace}/{name} ({uid})"',
    ],
)
def test_docstrings_and_names_are_no_sentences(source: str) -> None:
    assert [*sentences_in(source)] == []
