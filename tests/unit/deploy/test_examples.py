"""What users are told to apply is accepted."""

from pathlib import Path

import pytest
import yaml
from unit.deploy.rendering import CHART, EXAMPLES, example_plans

from krobench.analysis.thresholds import check_thresholds
from krobench.model.specs.benchmark import KroBenchmarkSpec


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid(path: Path) -> None:
    example = yaml.safe_load(path.read_text())
    assert example["metadata"] == {"name": path.stem, "namespace": "default"}
    assert example_plans(path)
    if example["kind"] != "KroScaleTest":
        assert example["kind"] == "KroBenchmark"
        assert check_thresholds(KroBenchmarkSpec.model_validate(example["spec"])) == []


def test_first_command_of_the_notes_is_valid() -> None:
    notes = (CHART / "templates" / "NOTES.txt").read_text()
    [_, heredoc] = notes.split("<<EOF\n")
    [text, _] = heredoc.split("EOF\n")
    benchmark = yaml.safe_load(text)
    assert benchmark["kind"] == "KroBenchmark"
    KroBenchmarkSpec.model_validate(benchmark["spec"])
