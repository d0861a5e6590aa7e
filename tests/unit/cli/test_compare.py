import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result
from unit.analysis.comparison.runs import METRICS, run, side
from unit.analysis.comparison.test_estimates import finished
from unit.controller.world import scale_record
from unit.report.scales import scale_run

from krobench.cli.main import app
from krobench.record.baseline import Baseline, to_json
from krobench.record.run import RunRecord, RunState

PRIMARY = f"--primary={METRICS[0]}"


def krobench(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def written(path: Path, runs: int, seed: int, effect: float = 1.0) -> str:
    path.write_text(to_json(Baseline(runs=list(side(path.stem, runs, seed, effect).runs))))
    return str(path)


def run_json(path: Path, record: RunRecord) -> str:
    path.write_text(record.model_dump_json(by_alias=True))
    return str(path)


def test_the_exit_code_says_whether_something_is_worse(tmp_path: Path) -> None:
    old = written(tmp_path / "old.json", 6, 1)
    worse = written(tmp_path / "worse.json", 6, 2, 1.5)
    few = written(tmp_path / "few.json", 1, 3)
    assert krobench("compare", old, worse, PRIMARY).exit_code == 1
    assert krobench("compare", worse, old, PRIMARY).exit_code == 0
    other = written(tmp_path / "other.json", 1, 4)
    assert krobench("compare", few, other, PRIMARY).exit_code == 0
    assert krobench("compare", few, other, PRIMARY, "--fail-on-inconclusive").exit_code == 3
    assert krobench("compare", old, worse, few, PRIMARY).exit_code == 1


def test_each_format_says_the_same(tmp_path: Path) -> None:
    sides = [written(tmp_path / "old.json", 6, 1), written(tmp_path / "new.json", 6, 2, 1.5)]
    assert "worse" in krobench("compare", *sides, PRIMARY).output
    assert "| worse |" in krobench("compare", *sides, PRIMARY, "-o", "markdown").output
    [comparison] = json.loads(krobench("compare", *sides, PRIMARY, "-o", "json").output)
    assert comparison["verdict"] == "Worse"
    assert comparison["metrics"][0]["metric"] == METRICS[0]


def test_a_side_is_files_and_directories_and_a_run_counts_once(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    first, second = finished(), finished(id="uid-2")
    run_json(folder / "a.json", first)
    one = run_json(tmp_path / "b.json", second)
    config_map = {"kind": "ConfigMap", "metadata": {"name": "x"},
                  "data": {"run.json": first.model_dump_json(by_alias=True)}}  # fmt: skip
    listed = tmp_path / "list.yaml"
    listed.write_text(yaml.safe_dump({"kind": "List", "items": [config_map]}))
    new = run_json(tmp_path / "new.json", finished(id="uid-3"))
    done = krobench("compare", f"{folder},{one},{listed}", new, "-o", "json")
    [comparison] = json.loads(done.output)
    assert len(comparison["oldRuns"]) == 2


@pytest.mark.parametrize("name", ["no.json", "no.yaml", "folder/no.yml"])
def test_a_file_that_is_not_there_is_a_clear_sentence(tmp_path: Path, name: str) -> None:
    missing = tmp_path / name
    done = krobench("compare", written(tmp_path / "old.json", 2, 1), str(missing))
    assert done.exit_code == 4
    assert f"{missing}: no such file" in done.stderr.replace("\n", "")


def test_a_baseline_is_written_and_read_again(tmp_path: Path) -> None:
    source = run_json(tmp_path / "run.json", finished())
    other = run_json(tmp_path / "other.json", finished(id="uid-2"))
    for name in ("out.json", "out.yaml"):
        path = tmp_path / name
        assert krobench("baseline", "export", source, "-o", str(path)).exit_code == 0
        assert krobench("compare", str(path), other, "-o", "json").exit_code == 0
    manifest = yaml.safe_load(
        krobench("baseline", "export", source, "--config-map", "kro-0-9-4").output
    )
    assert (manifest["kind"], manifest["metadata"]["name"]) == ("ConfigMap", "kro-0-9-4")
    assert json.loads(manifest["data"]["baseline.json"])["schema"] == "krobench.baseline/v2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '{"schema": "krobench.baseline/v9"}',
            "has schema krobench.baseline/v9, which this",
        ),
        ('{"schema": "other/v1"}', "has schema other/v1: this version of krobench reads"),
        ('{"a": 1}', "has no schema field"),
        ("[1, 2]", "has no schema field"),
        ('{"schema": "krobench.baseline/v2"}', "its field runs is missing"),
        ("{", "is not JSON or YAML"),
    ],
)
def test_another_schema_is_a_clear_sentence(tmp_path: Path, text: str, words: str) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(text)
    done = krobench("compare", str(bad), written(tmp_path / "new.json", 2, 1))
    assert done.exit_code == 4
    assert words in done.stderr
    assert "bad.json" in done.stderr


def test_other_workloads_and_words_without_meaning_are_clear_sentences(tmp_path: Path) -> None:
    old = written(tmp_path / "old.json", 2, 1)
    other = run("other", [{METRICS[0]: 1.0}])
    other.tests[0].workload["workload.instances"] = "7"
    new = tmp_path / "new.json"
    new.write_text(to_json(Baseline(runs=[other])))
    refused = krobench("compare", old, str(new))
    assert refused.exit_code == 3
    assert "workload.instances is 50 on the old side and 7 on the new" in refused.output
    assert krobench("compare", old, str(new), "--allow-different=workload").exit_code == 0
    for option in ("--allow-different=Weather", "--minimum-effect=x", "--primary=p99", "-o=xml"):
        assert krobench("compare", old, str(new), option).exit_code == 2
    assert krobench("compare", old).exit_code == 2


def test_a_file_that_cannot_be_written_is_a_clear_sentence(tmp_path: Path) -> None:
    source = run_json(tmp_path / "run.json", finished())
    done = krobench("baseline", "export", source, "--output", str(tmp_path / "no" / "out.json"))
    assert done.exit_code == 4
    assert "No such file or directory" in done.stderr


def test_a_run_that_was_given_up_is_no_baseline(tmp_path: Path) -> None:
    given_up = finished().model_copy(update={"state": RunState.ABORTED})
    source = run_json(tmp_path / "run.json", given_up)
    done = krobench("baseline", "export", source)
    assert done.exit_code == 4
    assert "cannot be a baseline" in done.stderr


def test_a_scale_test_is_not_compared_with_benchmarks_nor_exported_with_them(
    tmp_path: Path,
) -> None:
    old = run_json(tmp_path / "old.json", finished(id="uid-2"))
    scale = run_json(tmp_path / "scale.json", scale_record(RunState.COMPLETED))
    done = krobench("compare", old, scale)
    assert done.exit_code == 3
    assert "it is a scale test: compare it with another scale test" in done.output
    twice = krobench("compare", f"{old},{scale}", scale).output
    assert twice.count("\nnot compared: ") == 1
    done = krobench("baseline", "export", scale, old)
    assert done.exit_code == 4
    assert "export a baseline of each kind" in done.output
    given_up = run_json(tmp_path / "given-up.json", scale_record(RunState.ABORTED))
    done = krobench("baseline", "export", given_up)
    assert done.exit_code == 4
    assert "cannot be a baseline" in done.output


def scale_json(path: Path, limit: float) -> str:
    sizes = {round(limit * share): 3 for share in (0.5, 0.9, 0.97, 1.03, 1.1)}
    return run_json(path, scale_run(limit, sizes).model_copy(update={"id": path.stem}))


def test_of_two_scale_tests_the_limits_are_compared(tmp_path: Path) -> None:
    old, larger = scale_json(tmp_path / "old.json", 1000), scale_json(tmp_path / "new.json", 1500)
    done = krobench("compare", old, larger)
    assert done.exit_code == 0
    assert "Inconclusive: the limit is 1.5" in done.output
    assert krobench("compare", larger, old).exit_code == 0
    assert krobench("compare", larger, old, "--fail-on-inconclusive").exit_code == 3
    assert krobench("compare", larger, larger).exit_code == 3
    assert "| instances | 100" in krobench("compare", old, larger, "-o", "markdown").output
    [comparison] = json.loads(krobench("compare", old, larger, "-o", "json").output)
    assert (comparison["axis"], comparison["verdict"]) == ("instances", "Inconclusive")
    assert comparison["ratioLow"] < comparison["ratio"] < comparison["ratioHigh"]


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_exported_scale_tests_are_compared_as_their_records_are(
    tmp_path: Path, suffix: str
) -> None:
    records = [scale_json(tmp_path / f"old-{n}.json", 1000 + n) for n in range(4)]
    new = scale_json(tmp_path / "new.json", 1500)
    baseline = tmp_path / f"baseline.{suffix}"
    done = krobench("baseline", "export", *records, "-o", str(baseline))
    assert done.exit_code == 0
    [exported], [direct] = (
        json.loads(krobench("compare", old, new, "-o", "json").output)
        for old in (str(baseline), ",".join(records))
    )
    assert exported["verdict"] == "Better"
    assert {**exported, "old": ""} == {**direct, "old": ""}
    manifest = yaml.safe_load(krobench("baseline", "export", *records, "--config-map", "x").output)
    assert len(json.loads(manifest["data"]["baseline.json"])["scaleTests"]) == 4


def test_sides_of_several_scale_tests_are_compared_run_by_run(tmp_path: Path) -> None:
    old = ",".join(scale_json(tmp_path / f"old-{n}.json", 1000 + n) for n in range(4))
    folder = tmp_path / "new"
    folder.mkdir()
    for n in range(4):
        scale_json(folder / f"new-{n}.json", 1500 + n)
    done = krobench("compare", old, str(folder))
    assert done.exit_code == 0
    assert "Better: the limit is 1.49" in done.output
    assert krobench("compare", str(folder), old).exit_code == 1
    [comparison] = json.loads(krobench("compare", old, str(folder), "-o", "json").output)
    assert (len(comparison["oldRuns"]), len(comparison["newLimits"])) == (4, 4)
    assert comparison["replicates"] == "Runs"


def test_metrics_of_benchmarks_are_not_asked_of_scale_tests(tmp_path: Path) -> None:
    old, new = scale_json(tmp_path / "a.json", 1000), scale_json(tmp_path / "b.json", 1500)
    done = krobench("compare", old, new, PRIMARY)
    assert done.exit_code == 4
    assert "--primary applies to KroBenchmarks" in done.stderr
