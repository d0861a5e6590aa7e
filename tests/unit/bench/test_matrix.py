from unit.analysis.records import iteration

from bench.matrix import Outcome, _middle, _row

HEAD = {"krobench": "0.1", "kubernetes": "1.36.3", "kro": "0.9.4", "date": "2026-11-30"}


def test_a_pair_that_could_not_be_tried_says_why_and_has_no_numbers() -> None:
    outcome = Outcome(**HEAD, result="not installed: up", passed=False)
    assert _row(outcome)[3:] == ("not installed: up", "not available", "not available", "-")


def test_a_pair_shows_the_middle_of_its_iterations() -> None:
    iterations = [iteration(level, index=index) for index, level in enumerate((1.0, 2.0, 3.0))]
    assert _middle(iterations, "latency.instanceReady.p50") == 2.0
    assert _middle(iterations, "no.such.figure") is None
