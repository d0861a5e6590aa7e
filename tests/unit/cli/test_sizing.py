from pathlib import Path

import orjson
import pytest
import yaml
from typer.testing import CliRunner
from unit.analysis.sizing.sized import scaled

from krobench.cli.main import app


@pytest.fixture
def record(tmp_path: Path) -> Path:
    file = tmp_path / "run.json"
    file.write_text(scaled({100: 60.0, 200: 70.0, 400: 90.0}).model_dump_json(by_alias=True))
    return file


def sizing(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["sizing", *words])
    return result.exit_code, result.output


def test_prints_what_to_set(record: Path) -> None:
    code, text = sizing("--record", str(record), "--rgds", "1", "--instances", "1400")

    assert code == 0
    assert "single, kro 0.9.4: 1,400 instances of 1 RGD, 9/s" in text
    assert "190 MiB" in text
    assert "extrapolated" in text
    assert "memory: 320Mi" in text


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_prints_values_of_kros_chart(record: Path, form: str) -> None:
    words = ("--record", str(record), "--rgds", "1", "--instances", "400", "-o", form)
    code, text = sizing(*words)

    assert code == 0
    values = (orjson.loads(text) if form == "json" else yaml.safe_load(text))["helmValues"]
    assert values["config"] == {"dynamicControllerConcurrentReconciles": 2}
    assert values["deployment"]["resources"]["limits"] == {"cpu": "1", "memory": "144Mi"}


def test_refuses_with_the_reason(record: Path, tmp_path: Path) -> None:
    code, text = sizing("--record", str(record), "--rgds", "9", "--instances", "400")
    assert code == 4
    assert "add a record with axis rgds" in text

    code, text = sizing("--record", str(tmp_path / "none.json"), "--rgds", "1", "--instances", "4")
    assert code == 4
    assert "No such file" in text


def test_needs_a_record() -> None:
    code, text = sizing("--rgds", "1", "--instances", "4")

    assert code == 2
    assert "--record" in text
