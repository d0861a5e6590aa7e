"""Every reason with which a run, a test or an expression fails is on the page of reasons."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from unit.docs.documents import ROOT

_PAGE = ROOT / "docs/reference/reasons.md"
_CALLS = {"ErrorInfo", "AbortedError", "RefusedError", "ExpressionError"}
_REASON = re.compile(r"[A-Z]+[a-z]+(?:[A-Z]+[a-z]*)*")


@cache
def reasons() -> list[str]:
    """The reasons that are written out where an error is made."""
    sources = (ROOT / "operator/krobench").rglob("*.py")
    return sorted({reason for path in sources for reason in _reasons_in(path)})


def _reasons_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name(id=name), args=args, keywords=words) if name in _CALLS:
                named = [word.value for word in words if word.arg == "reason"]
                for given in (*args[:1], *named):
                    yield from _constants(given)


def _constants(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) if _REASON.fullmatch(text):
            yield text
        case ast.BoolOp(values=choices):
            yield from (text for choice in choices for text in _constants(choice))
        case ast.IfExp(body=one, orelse=other):
            yield from (*_constants(one), *_constants(other))


@pytest.mark.parametrize("reason", reasons())
def test_a_reason_is_on_the_page(reason: str) -> None:
    assert f"`{reason}`" in _PAGE.read_text()


def test_reasons_are_found() -> None:
    assert len(reasons()) > 40
