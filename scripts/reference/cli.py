"""The page of the command line, from the typer application."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from krobench.cli.main import app
from scripts.reference.markdown import page, table, text

_TYPES = {str: "text", int: "integer", float: "number", bool: "flag", Path: "path"}


def cli_page() -> str:
    """Every command with its arguments and options, from the typer application."""
    root = typer.main.get_command(app)
    about = (
        "`krobench` reads runs from the cluster of your kubeconfig, with your rights: reading "
        "runs and ConfigMaps in their namespace is enough. Install it with `pip install .`. "
        "kubectl finds it as a plugin: `kubectl krobench report NAME`."
    )
    lines = [about, "Options before the command:", _parameters(root)]
    for name, command in _commands(root):
        paragraphs = (command.help or "").split("\n\n")
        lines += [f"## krobench {name}", *map(text, paragraphs)]
        if command.params:
            lines.append(_parameters(command))
    return page("operator/krobench/cli", "Command line", *lines)


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _parameters(command: Any) -> str:
    rows = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        is_option = parameter.param_type_name == "option"
        names = (*parameter.opts, *parameter.secondary_opts) if is_option else ()
        shown = [f"`{name}`" for name in names] or [f"`{parameter.name.upper()}`"]
        default = "required" if parameter.required else _default(parameter.default)
        kind = _annotation(parameter.type_descriptor.annotation)
        rows.append([", ".join(shown), kind, default, text(parameter.help)])
    return table(["argument or option", "type", "default", "meaning"], rows)


def _annotation(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{choice.value}`" for choice in annotation)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is list:
        return f"{_annotation(get_args(annotation)[0])}, repeatable"
    return _TYPES[annotation]


def _default(value: Any) -> str:
    if value is None or value is False or callable(value) or value == ():
        return ""
    return f"`{getattr(value, 'value', value)}`"
