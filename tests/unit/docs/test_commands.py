"""Every command in the documents is valid."""

import argparse

import pytest
from unit.docs.commands import (
    BadCommandError,
    Command,
    check,
    commands,
    options_of_krobench,
)
from unit.docs.documents import ROOT, Code, blocks, codes

from krobench.analysis import krosettings
from krobench.analysis.krosettings import NEVER_ADVISED
from testbed.cli import _parser as parser_of_testbed

_SHOWN = [
    command for command in commands() if command.words[0] != "kubectl" or len(command.words) > 2
]
_OPTIONS_OF_OTHERS = {
    "--previous",  # of kubectl logs
    "--listen-metrics-urls",  # of etcd
    "--unsafe-no-fsync",
    "--leader-election-namespace",  # of kro
    "--name",
}


@pytest.mark.parametrize("command", _SHOWN, ids=str)
def test_a_documented_command_is_valid(command: Command) -> None:
    check(command)


@pytest.mark.parametrize(
    "words",
    [
        ("krobench", "compares", "a", "b"),
        ("krobench", "compare", "a", "b", "--all-of-it"),
        ("krobench", "sizing", "--rgds", "many", "--instances", "1"),
        ("krobench", "cleanup"),
        ("make", "coffee"),
        ("python", "-m", "bench.nothing"),
        ("python", "-m", "bench.calibrate", "--draw", "x"),
        ("python3", "-m", "testbed", "tool", "docker"),
        ("kubectl", "apply", "-f", "manifests/none.yaml"),
        ("kubectl", "get", "krobenches"),
        ("kubectl", "wait", "krobenchmark/x", "--for=condition=Done"),
        ("kubectl", "exec", "deployment/x", "--", "krobench", "report", "x"),
        ("kubectl", "krobench", "reports"),
        ("helm", "install", "krobench", "helm/none"),
        ("curl", "http://example.com"),
    ],
    ids=" ".join,
)
def test_an_invalid_command_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(BadCommandError):
        check(Command("here", words))


def test_console_blocks_begin_with_a_command() -> None:
    for block in blocks("console"):
        assert block.text.startswith("$ "), block
    for block in blocks(""):
        assert not block.text.startswith(("$ ", "krobench ", "kubectl ", "make ")), block


@pytest.mark.parametrize(
    "code", [code for code in codes() if code.text.startswith(("--", "-o "))], ids=str
)
def test_a_documented_option_exists(code: Code) -> None:
    flags = [each for each in vars(krosettings).values() if isinstance(each, krosettings.Flag)]
    known = (
        options_of_krobench()
        | options_of(parser_of_testbed())
        | {flag.name for flag in flags}
        | {f"--{name}" for name in NEVER_ADVISED}
        | _OPTIONS_OF_OTHERS
    )
    assert code.text.replace("=", " ").split()[0] in known


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found |= options_of(child)
    return found


def test_nothing_sends_readers_into_a_pod() -> None:
    suffixes = {".md", ".py", ".txt", ".tpl", ".yaml", ".sh"}
    shown = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*"), *(ROOT / "manifests").rglob("*")]
    shown += [*(ROOT / "helm").rglob("*"), *(ROOT / "operator").rglob("*")]
    texts = {path: path.read_text() for path in shown if path.suffix in suffixes}
    assert [path for path, text in texts.items() if "kubectl exec" in text] == []
