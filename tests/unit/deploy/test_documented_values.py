"""Values of the chart that the documents show are taken by it."""

from pathlib import Path

import pytest
import yaml
from unit.deploy.rendering import template
from unit.docs.commands import Command, commands, values_set
from unit.docs.documents import Code, codes
from unit.docs.fragments import Shown, chart_values, shown

_GATE = "=true"


@pytest.mark.parametrize("part", [part for part in shown() if part.is_of_chart], ids=str)
def test_values_of_a_block_are_taken(helm: str, part: Shown, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(part.content))
    result = template(helm, values_file=file)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", [each for each in commands() if values_set(each)], ids=str)
def test_values_of_a_command_are_taken(helm: str, command: Command) -> None:
    result = template(helm, *values_set(command))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "code",
    [
        code
        for code in codes()
        if code.text.endswith(_GATE) and code.text.partition(".")[0] in chart_values()
    ],
    ids=str,
)
def test_a_gate_that_is_named_in_a_sentence_can_be_opened(helm: str, code: Code) -> None:
    result = template(helm, code.text)
    assert result.returncode == 0, result.stderr
