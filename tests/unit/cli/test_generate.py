from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result
from unit.controller.world import SCALE_SPEC

from krobench.cli.main import app

ROOT = Path(__file__).parents[3]

CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "rgds", "namespace": "default"},
    "data": {"app.yaml": "spec: {schema: {kind: App}, resources: []}"},
}
OWN = {"rgd": {"configMapKeyRef": {"name": "rgds", "key": "app.yaml"}}, "instances": 2}
GENERATED = {"generator": {"resources": 2, "depth": 2}, "instances": 7, "rgds": 2}


def generate(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["generate", "--file", str(path), *arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "benchmark.yaml"


def write(path: Path, workload: dict[str, Any], *more: dict[str, Any]) -> None:
    test = {"name": "a", "workload": workload}
    benchmark = {"kind": "KroBenchmark", "metadata": {"name": "mine"}, "spec": {"tests": [test]}}
    path.write_text(yaml.safe_dump_all([benchmark, *more]))


def kinds(text: str) -> list[str]:
    return [document["kind"] for document in yaml.safe_load_all(text) if document]


@pytest.mark.parametrize("name", ["quick", "own-rgd", "scenarios", "cel"])
def test_every_example_is_printed(name: str) -> None:
    done = generate(ROOT / f"manifests/examples/{name}.yaml")
    assert done.exit_code == 0
    assert kinds(done.stdout)[:2] == ["Namespace", "ResourceGraphDefinition"]


def test_each_kind_has_its_first_instance_and_their_number(file: Path) -> None:
    write(file, GENERATED)
    text = generate(file).stdout
    assert kinds(text) == [
        "Namespace",
        "ResourceGraphDefinition",
        "ResourceGraphDefinition",
        "Kb00000000T0I0R0",
        "Kb00000000T0I0R1",
    ]
    assert "# the first of 4 instances of Kb00000000T0I0R0\n" in text
    assert "# the first of 3 instances of Kb00000000T0I0R1\n" in text


def test_the_same_spec_gives_the_same_bytes(file: Path) -> None:
    write(file, GENERATED)
    assert generate(file).stdout == generate(file).stdout


def test_prerequisites_and_ballast_are_shown(tmp_path: Path) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "of-<index>"}}
    workload = {"scenario": "single", "prerequisites": [settings], "ballast": {"crds": 7}}
    spec = {"tests": [{"name": "a", "workload": workload}]}
    run = {"kind": "KroBenchmark", "metadata": {"name": "shown"}, "spec": spec}
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump(run))
    text = generate(file).stdout
    assert "7 CRDs" in text
    assert any(
        (each or {}).get("metadata") == {"name": "of-0"} for each in yaml.safe_load_all(text)
    )


def test_only_the_test_asked_for_is_printed() -> None:
    examples = ROOT / "manifests/examples/scenarios.yaml"
    done = generate(examples, "--test", "platform")
    assert kinds(done.stdout).count("ResourceGraphDefinition") == 2
    missing = generate(examples, "--test", "nope")
    assert missing.exit_code == 1
    assert "has no test named nope" in missing.stderr


def test_an_rgd_is_taken_from_a_config_map_of_the_same_file(file: Path) -> None:
    write(file, OWN, CONFIG_MAP)
    assert "App" in kinds(generate(file).stdout)


@pytest.mark.parametrize(
    ("workload", "message"),
    [
        (OWN, "mine: spec.tests[0].workload.rgd.configMapKeyRef.name: ConfigMap "),
        (
            {"scenario": "nope", "instances": 1},
            "mine: spec.tests[0].workload.scenario: must be 'single'",
        ),
        (
            {"generator": {"depth": 9}, "instances": 1},
            "mine: spec.tests[0].workload.generator.depth is 9, but must not exceed resources",
        ),
    ],
)
def test_yaml_error_is_said_with_its_field(
    file: Path, workload: dict[str, Any], message: str
) -> None:
    write(file, workload)
    done = generate(file)
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: b", "has no KroBenchmark or KroScaleTest"), ("a: b: c", "is not valid YAML")],
)
def test_a_file_of_something_else_is_refused(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    done = generate(file)
    assert done.exit_code == 1
    assert message in done.stderr


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    assert str(file) in generate(file).stderr


def scale_test(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "scale.yaml"
    run = {"kind": "KroScaleTest", "metadata": {"name": "far"}, "spec": SCALE_SPEC | changes}
    path.write_text(yaml.safe_dump(run))
    return path


def test_of_a_scale_test_the_smallest_step_is_shown_or_the_one_named(tmp_path: Path) -> None:
    path = scale_test(tmp_path)
    smallest = generate(path).output
    assert "# size instances-10 (single) of 10, 20, 40" in smallest
    assert "# the first of 10 instances" in smallest
    named = generate(path, "--test=instances-40").output
    assert "# the first of 40 instances" in named
    assert "instances-10" not in named
    absent = generate(path, "--test=instances-30")
    assert absent.exit_code == 1
    assert "has no test named instances-30" in absent.output


def test_sizes_of_a_scale_test_that_cannot_be_are_told(tmp_path: Path) -> None:
    path = scale_test(tmp_path, sizes={"values": [10, 20_000]})
    assert "size 20000 was left out: spec.workload.instances: must be less" in generate(path).output
    path = scale_test(tmp_path, sizes={"values": [20_000]})
    assert "spec.sizes: the smallest size, 20000, cannot be run" in (generate(path).output)
