"""The commands in the documents, and a check that each of them is valid.

Nothing is executed: each command goes through the parser of its own program.
"""

import argparse
import importlib
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any, NoReturn

import pytest
import typer
from typer.exceptions import TyperException
from unit.docs.documents import ROOT, blocks, codes

from krobench.api.crd import crd
from krobench.api.kinds import KINDS, Kind
from krobench.api.status import ConditionType
from krobench.cli.main import app

_ENDS = frozenset({"&&", "||", "|", ";", ">", "("})
_KEYWORDS = frozenset({"do", "export", "done", "for"})
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
_INNER = re.compile(r"\$\(([^)]*)\)")
_OPTIONAL = re.compile(r"\[(--[^]]*)]")
_CHOICE = re.compile(r"\\?\|")
# Commands of these programs name nothing of krobench.
_OF_OTHERS = frozenset({"base64", "cosign", "docker", "go", "jq", "pip"})
_KUBERNETES_TYPES = frozenset({"configmap", "crd", "lease", "ns", "rgd"})
_TYPED = frozenset({"delete", "describe", "explain", "get", "wait"})
_PROGRAMS = frozenset({"helm", "krobench", "kubectl", "make", "python", "python3"})


@dataclass(frozen=True)
class Command:
    """A command without redirections and pipes."""

    place: str
    words: tuple[str, ...]
    output: tuple[str, ...] = ()
    """The lines that it prints according to the document."""
    is_mention: bool = False
    """Whether it is inline code, which may omit arguments."""

    def __str__(self) -> str:
        return f"{self.place}: {' '.join(self.words)}"


class BadCommandError(Exception):
    """The command is not valid; the message says why."""


def commands() -> list[Command]:
    """All commands of the documents and of the comments in manifests."""
    found = list(_of_blocks())
    for code in codes():
        if code.text.split()[0] in _PROGRAMS and " " in code.text:
            for text in _alternatives(code.text):
                found += _split(code.place, text, is_mention=True)
    for path in sorted((ROOT / "manifests").rglob("*.yaml")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            words = line.removeprefix("#").split()
            if line.startswith("#   ") and words and words[0] in _PROGRAMS:
                found += _split(f"{path.relative_to(ROOT)}:{number}", line.removeprefix("#"))
    return list(dict.fromkeys(found))


def check(command: Command) -> None:
    """Parse a command as its program does.

    Raises:
        BadCommandError: The program would refuse it, or there is no rule here for the program.
    """
    program, *arguments = command.words
    match program, arguments:
        case ("krobench", _) | ("kubectl", ["krobench", *_]):
            arguments = arguments[program == "kubectl" :]
            _check_krobench(arguments, is_mention=command.is_mention)
        case "make", _:
            _check_make(arguments)
        case (("python" | "python3"), ["-m", module, *rest]):
            _check_module(module, rest)
        case "kubectl", [verb, *rest]:
            _check_kubectl(command, verb, rest)
        case "helm", [("install" | "upgrade"), _, chart, *_]:
            if not (ROOT / chart / "Chart.yaml").is_file():
                raise BadCommandError(f"there is no chart {chart}")
        case "helm", ["uninstall", _, "--namespace", _, "--no-hooks"]:
            pass
        case "helm", [("uninstall" | "rollback"), _, "--namespace", _] | ["test", *_]:
            pass
        case _ if program not in _OF_OTHERS:
            raise BadCommandError(f"no rule knows {program}")


def options_of_krobench() -> set[str]:
    return {
        option
        for command in _all_commands(typer.main.get_command(app))
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


def values_set(command: Command) -> list[str]:
    """The values that a command sets in a chart, such as ``image.tag=1``."""
    return [value for option, value in pairwise(command.words) if option == "--set"]


def _of_blocks() -> Iterator[Command]:
    for block in blocks("console"):
        shell = ""
        output: list[str] = []
        lines = [*block.text.splitlines(), "$ "]
        for line in lines:
            if shell.endswith("\\"):
                shell = f"{shell[:-1]} {line}"
            elif line.startswith("$ "):
                yield from _with_output(_split(block.place, shell), output)
                shell, output = line.removeprefix("$ "), []
            else:
                output.append(line)


def _with_output(found: list[Command], output: Sequence[str]) -> list[Command]:
    return [replace(command, output=tuple(output)) for command in found]


def _split(place: str, text: str, *, is_mention: bool = False) -> list[Command]:
    texts = [_INNER.sub("inner", text), *_INNER.findall(text)]
    return [
        Command(place, words, is_mention=is_mention)
        for each in texts
        for words in _commands_of(_OPTIONAL.sub(r"\1", each))
    ]


def _commands_of(text: str) -> Iterator[tuple[str, ...]]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;>")
    lexer.whitespace_split = True
    words: list[str] = []
    is_file = False
    for word in [*lexer, ";"]:
        if word in _ENDS:
            if words and words[0] != "for":
                yield (words[0].removeprefix(".venv/bin/"), *words[1:])
            words, is_file = [], word == ">"
        elif is_file:
            is_file = False
        elif words or not (word in _KEYWORDS - {"for"} or _ASSIGNMENT.match(word)):
            words.append(word)


def _alternatives(text: str) -> list[str]:
    """A command for each alternative, as in ``tool helm|kubectl``."""
    for word in text.split():
        if _CHOICE.search(word) and len(word) > 2:
            return [
                other
                for choice in _CHOICE.split(word)
                for other in _alternatives(text.replace(word, choice, 1))
            ]
    return [text]


def _check_krobench(arguments: Sequence[str], *, is_mention: bool) -> None:
    command: Any = typer.main.get_command(app)
    context = command.make_context("krobench", [], resilient_parsing=True)
    rest = list(arguments)
    while hasattr(command, "commands"):
        name = rest.pop(0) if rest else ""
        if name not in command.commands:
            raise BadCommandError(f"krobench has no command {name!r}")
        command = command.commands[name]
        if hasattr(command, "commands"):
            context = command.make_context(name, [], parent=context, resilient_parsing=True)
    if not rest and is_mention:
        return
    try:
        command.make_context(command.name, rest, parent=context)
    except TyperException as error:
        raise BadCommandError(str(error)) from error


def _all_commands(command: Any) -> Iterator[Any]:
    yield command
    for child in getattr(command, "commands", {}).values():
        yield from _all_commands(child)


def _check_make(arguments: Sequence[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for word in arguments:
        if word.startswith("-") or _ASSIGNMENT.match(word):
            continue
        begin, is_pattern, _ = word.partition("…")
        if not any(t.startswith(begin) if is_pattern else t == word for t in targets):
            raise BadCommandError(f"there is no target {word}")


def _check_module(module: str, arguments: Sequence[str]) -> None:
    if module == "krobench":
        _check_krobench(arguments, is_mention=False)
    elif module == "testbed":
        _parse(lambda: importlib.import_module("testbed.cli").main(list(arguments)), arguments)
    elif module.startswith("bench."):
        if (ROOT / module.replace(".", "/") / "__main__.py").is_file():
            module += ".__main__"
        if not (ROOT / f"{module.replace('.', '/')}.py").is_file():
            raise BadCommandError(f"there is no module {module}")
        _parse(lambda: importlib.import_module(module).main(), arguments)
    else:
        raise BadCommandError(f"no rule knows the module {module}")


class _ParsedError(Exception):
    pass


def _parse(main: Any, arguments: Sequence[str]) -> None:
    """Run a program up to the parsing of its arguments."""

    def parse(parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        parse_known(parser, arguments)
        raise _ParsedError

    def parse_known(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
        _, unknown = parser.parse_known_args(list(words))
        if unknown:
            raise BadCommandError(f"unknown: {' '.join(unknown)}")

    def refuse(_: argparse.ArgumentParser, message: str) -> NoReturn:
        raise BadCommandError(message)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(argparse.ArgumentParser, "parse_args", parse)
        patched.setattr(argparse.ArgumentParser, "error", refuse)
        with pytest.raises(_ParsedError):
            main()


def _check_kubectl(command: Command, verb: str, arguments: Sequence[str]) -> None:
    if verb == "exec":
        raise BadCommandError("readers need no access to pods: use kubectl krobench")
    if verb in {"apply", "create"}:
        for option, value in pairwise(arguments):
            if option in {"-f", "-k"} and value != "-" and not (ROOT / value).exists():
                raise BadCommandError(f"there is no {value}")
    for word in arguments:
        option, _, name = word.rpartition("=")
        if option == "--for=condition" and name not in set(ConditionType):
            raise BadCommandError(f"there is no condition {name}")
    if verb in _TYPED:
        _check_types(verb, arguments)
    if verb == "get" and command.output:
        _check_columns(arguments[0], command.output[0])


def _check_types(verb: str, arguments: Sequence[str]) -> None:
    if arguments[0].startswith("-"):
        return
    ours = {name for kind in KINDS for name in _names(kind)}
    for name in re.split(r"[,/.]", arguments[0])[: None if "," in arguments[0] else 1]:
        if name not in ours | _KUBERNETES_TYPES:
            raise BadCommandError(f"kubectl {verb}: no rule knows {name}")


def _check_columns(name: str, header: str) -> None:
    for kind in KINDS:
        if name in _names(kind) and header.split() != _columns(kind):
            raise BadCommandError(f"the columns are {' '.join(_columns(kind))}")


@cache
def _columns(kind: Kind) -> list[str]:
    columns = crd(kind)["spec"]["versions"][0]["additionalPrinterColumns"]
    return ["NAME", *(each["name"].upper() for each in columns if "priority" not in each)]


@cache
def _names(kind: Kind) -> set[str]:
    names = crd(kind)["spec"]["names"]
    return {kind.plural, kind.singular, *names["shortNames"]}
