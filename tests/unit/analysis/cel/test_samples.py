"""The recipe of docs/reference/results.md gives the figures of the report."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from unit.analysis.cel.test_costs import measured, result_of, samples, value

from krobench.analysis.cel.costs import summarise
from krobench.analysis.cel.samples import Restart, Spent, lines_of
from krobench.figures.rawdata import CelLine
from krobench.record.rawlines import LineFile

FIELD_ACCESS = "field-access"


def test_the_table_can_be_worked_out_again_from_the_lines(tmp_path: Path) -> None:
    taken = samples(measured("mine", 10e-6))
    iterations = range(len(taken.expressions[0].iterations))
    taken.fresh = [Spent(1.0, 10) for _ in iterations]
    taken.fresh_reconciles = [{"mine": 3} for _ in iterations]
    taken.restarts = [
        Restart(
            2.0,
            revisions={"mine": 5, FIELD_ACCESS: 5},
            compiled=Spent(1.0, 10),
            first={"mine": Spent(3e-3, 50)},
            later={"mine": [Spent(1e-3, 50), Spent(2e-3, 50), Spent(1e-3, 50)]},
        )
    ]
    file = tmp_path / "cel.jsonl.gz"
    file.write_bytes(b"".join(LineFile(CelLine, lines_of("t", taken)).pieces(1_000_000)))

    cel = pd.read_json(file, lines=True)
    windows = cel[cel["what"] == "evaluations"]
    each = windows.microseconds / windows["count"]
    by_iteration = each.groupby([windows.test, windows.expression, windows.iteration]).median()
    logs = by_iteration.apply(np.log)
    evaluation = logs.groupby(["test", "expression"]).mean().apply(np.exp)
    built = cel[cel["what"] == "graph builds"].set_index(["expression", "iteration"])
    build = built.microseconds / built["count"]
    copies = built.copies[FIELD_ACCESS].iloc[0]
    compiling = (build[FIELD_ACCESS] - build["one-constant"]).mean() / (copies - 1)

    results = summarise(taken)
    mine = result_of(results, "mine")
    assert evaluation["t", "mine"] == pytest.approx(value(mine.evaluation_seconds) * 1e6)
    reference = result_of(results, FIELD_ACCESS)
    assert compiling == pytest.approx(value(reference.compile_seconds) * 1e6)
    fresh = cel[cel["what"] == "fresh reconciles"]
    assert list(fresh["count"]) == [3] * len(iterations)
    later = cel[cel["what"] == "later evaluations"]
    first = cel[cel["what"] == "first evaluations"].set_index("expression").microseconds["mine"]
    ratio = value(mine.first_after_restart_ratio)
    assert first / later.microseconds.median() == pytest.approx(ratio)
    compiled = cel[cel["what"] == "restart compilations"].microseconds.sum()
    assert results.restart is not None
    per_rgd = value(results.restart.compile_seconds_per_rgd)
    assert compiled / (cel["what"] == "restart revisions").sum() == pytest.approx(per_rgd * 1e6)
    assert set(cel["what"]) == {
        "restart compilations",
        "restart revisions",
        "first evaluations",
        "later evaluations",
        "evaluations",
        "reconciles",
        "graph builds",
        "revision compilations",
        "heap growth",
        "fresh evaluations",
        "fresh reconciles",
    }
